'use strict';
// An app whose sessions live a second: contracts/skygear.md 2.7.

const {assert, check, flow, open, signedUp, fails} = require('./sdk');

flow(async () => {
  await check('an expired token clears the user', async () => {
    const ann = await signedUp('ann');
    const seen = [];
    ann.auth.onUserChanged((user) => seen.push(user));
    await new Promise((resolve) => setTimeout(resolve, 1200));
    const restored = await open({items: ann.items});
    assert.equal(restored.auth.currentUser.username, 'ann'); // nobody has been asked yet
    await fails(104, ann.auth.whoami());
    assert.deepEqual(seen, [null]);
    assert.equal(ann.auth.currentUser, null);
    assert.equal((await open({items: ann.items})).auth.currentUser, null);
    assert.equal((await ann.auth.loginWithUsername('ann', 'secret')).username, 'ann');
  });
});
