'use strict';
// What an app's server does with users: contracts/skygear.md 2.6, 2.11 and 3.1.

const {createHmac} = require('node:crypto');
const {assert, check, flow, masterKey, open, signedUp, fails} = require('./sdk');

const secret = process.env.CUSTOM_TOKEN_SECRET;

// signed is a JSON Web Token. The key "" is for one that is not signed at all.
function signed(claims, key = secret) {
  const part = (value) => Buffer.from(JSON.stringify(value)).toString('base64url');
  const text = `${part({alg: key ? 'HS256' : 'none', typ: 'JWT'})}.${part(claims)}`;
  return `${text}.${key ? createHmac('sha256', key).update(text).digest('base64url') : ''}`;
}

flow(async () => {
  const admin = await open({key: masterKey});
  const ann = await signedUp('ann');
  const bob = await signedUp('bob');
  const now = Math.floor(Date.now() / 1000);

  await check('a disabled user is told why, and until when', async () => {
    const until = new Date('2099-01-02T03:04:05Z');
    await admin.auth.adminDisableUser(ann.auth.currentUser, 'banned', until);
    const stranger = await open();
    const refusal = await fails(127, stranger.auth.loginWithUsername('ann', 'secret'));
    assert.equal(refusal.name, 'UserDisabled');
    assert.deepEqual(refusal.info, {message: 'banned', expiry: '2099-01-02T03:04:05Z'});
    await fails(127, stranger.auth.loginWithUsername('ann', 'wrong'));
    await fails(127, ann.auth.whoami());
    await fails(127, ann.auth.changePassword('secret', 'x'));
    assert.equal(ann.auth.currentUser.username, 'ann'); // only a bad token clears him
    await fails(127, ann.publicDB.save(new (ann.Record.extend('note'))({text: 'x'})));
    assert.equal((await ann.publicDB.query(new ann.Query(ann.Record.extend('note')))).length, 0); // as a guest
  });

  await check('an enabled one is back, with the same session', async () => {
    await admin.auth.adminEnableUser(ann.auth.currentUser._id);
    await ann.auth.whoami();
    await (await open()).auth.loginWithUsername('ann', 'secret');
    await admin.auth.adminDisableUser(ann.auth.currentUser, 'over', new Date(Date.now() - 1000));
    await ann.auth.whoami();
    await admin.auth.adminDisableUser(ann.auth.currentUser);
    assert.equal((await fails(127, ann.auth.whoami())).info, undefined);
    await ann.auth.logout(); // works all the same
    await admin.auth.adminEnableUser(ann.auth.currentUser || 'no such user').catch((err) => assert.equal(err.error.code, 110));
  });

  await check('only who may, disables', async () => {
    await fails(102, bob.auth.adminDisableUser(bob.auth.currentUser), 401);
    await fails(101, (await open()).auth.adminDisableUser(bob.auth.currentUser));
    await admin.auth.assignUserRole([bob.auth.currentUser], ['Admin']);
    const carl = await signedUp('carl');
    await bob.auth.adminDisableUser(carl.auth.currentUser);
    await fails(127, carl.auth.whoami());
    await bob.auth.adminEnableUser(carl.auth.currentUser);
    await carl.auth.whoami();
  });

  await check('a password is reset with the master key alone', async () => {
    await fails(102, bob.auth.adminResetPassword(bob.auth.currentUser, 'new'), 401);
    assert.equal(await admin.auth.adminResetPassword(bob.auth.currentUser, 'new secret'), bob.auth.currentUser._id);
    const other = await open();
    await fails(105, other.auth.loginWithUsername('bob', 'secret'));
    await other.auth.loginWithUsername('bob', 'new secret');
    assert.equal(admin.auth.currentUser, null);
    await fails(108, admin.auth.adminResetPassword(bob.auth.currentUser, ''));
  });

  await check('the master key acts for any user', async () => {
    const {result} = await admin.makeRequest('me', {_user_id: bob.auth.currentUser._id});
    assert.equal(result.profile.username, 'bob');
    const saved = await admin.makeRequest('record:save', {_user_id: bob.auth.currentUser._id, records: [{_id: 'note/for-bob', text: 'x'}]});
    assert.equal(saved.result[0]._ownerID, bob.auth.currentUser._id);
  });

  await check('a token of the app\'s own server makes a user, and finds him again', async () => {
    const client = await open();
    const token = (profile) => signed({sub: 'ext-1', iat: now - 5, exp: now + 60, skyprofile: profile});
    const user = await client.auth.loginWithCustomToken(token({username: 'dora', city: 'Macau'}));
    assert.deepEqual([user.username, user.city], ['dora', 'Macau']);
    const again = await (await open()).auth.loginWithCustomToken(token({city: 'Taipei'}));
    assert.deepEqual([again.id, again.city, again.username], [user.id, 'Taipei', 'dora']);
    await client.auth.whoami();
    await fails(105, client.auth.loginWithUsername('dora', 'anything')); // he has no password
  });

  await check('a token that proves nothing is refused', async () => {
    const client = await open();
    const good = {sub: 'ext-2', iat: now - 5, exp: now + 60};
    await fails(107, client.auth.loginWithCustomToken(signed(good, 'another secret')));
    await fails(107, client.auth.loginWithCustomToken(signed(good, '')));
    await fails(107, client.auth.loginWithCustomToken(signed({...good, exp: now - 60})));
    await fails(107, client.auth.loginWithCustomToken(signed({...good, iat: now + 600})));
    await fails(107, client.auth.loginWithCustomToken('no token'));
    for (const claim of ['sub', 'iat', 'exp']) {
      const {[claim]: _, ...rest} = good;
      assert.match((await fails(105, client.auth.loginWithCustomToken(signed(rest)))).message, new RegExp(`\\(${claim}\\) not specified`));
    }
    await fails(109, client.auth.loginWithCustomToken(signed({...good, skyprofile: {username: 'BOB'}})));
    assert.equal(client.auth.currentUser, null);
  });
});
