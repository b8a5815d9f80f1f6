'use strict';
// An app whose tokens are signed: a password change ends all of them, and logging out ends the one. contracts/skygear.md 2.7.

const {assert, check, flow, open, signedUp, fails} = require('./sdk');

flow(async () => {
  const ann = await signedUp('ann');

  await check('the token is a signed one, with the user in it', async () => {
    const [head, claims] = ann.auth.accessToken.split('.').slice(0, 2).map((part) => JSON.parse(Buffer.from(part, 'base64url')));
    assert.equal(head.typ || 'JWT', 'JWT');
    assert.equal(claims.sub, ann.auth.currentUser._id);
    assert.ok(claims.jti && Number.isInteger(claims.iat), JSON.stringify(claims));
    await ann.auth.whoami();
  });

  await check('a password change ends every other token, and the client forgets its user', async () => {
    const other = await open();
    await other.auth.loginWithUsername('ann', 'secret');
    const seen = [];
    other.auth.onUserChanged((user) => seen.push(user));
    await ann.auth.changePassword('secret', 'other secret');
    await fails(104, other.auth.whoami());
    assert.deepEqual(seen, [null]);
    assert.equal(other.auth.currentUser, null);
    assert.equal(other.auth.accessToken, null);
    await ann.auth.whoami(); // by the token that the change gave
  });

  await check('a log-out ends its token', async () => {
    const thief = await open({items: new Map(ann.items)});
    await thief.auth.whoami();
    const stolen = await open({items: new Map(thief.items)});
    await thief.auth.logout();
    await fails(104, stolen.auth.whoami());
    await ann.auth.whoami();
  });

  await check('a token that was tampered with is none', async () => {
    const items = new Map(ann.items);
    const [head, claims, signature] = items.get('skygear-accesstoken').split('.');
    const forged = {...JSON.parse(Buffer.from(claims, 'base64url')), sub: 'somebody-else'};
    for (const token of [
      `${head}.${Buffer.from(JSON.stringify(forged)).toString('base64url')}.${signature}`,
      `${Buffer.from('{"alg":"none","typ":"JWT"}').toString('base64url')}.${claims}.`,
      `${head}.${claims}`,
    ]) {
      items.set('skygear-accesstoken', token);
      await fails(104, (await open({items: new Map(items)})).auth.whoami());
    }
  });
});
