'use strict';
// What an app may set: who a user is at log-in, what a password must be, whether strangers learn who has an account.
// contracts/skygear.md 2.1, 2.4 and 2.8.

const {assert, check, flow, open, fails} = require('./sdk');

flow(async () => {
  const password = 'long enough 1';
  const client = await open();
  const signUp = (names, word = password) => client.auth.signup(names, word);

  await check('users are told apart by the keys of the app, alone or together', async () => {
    const ann = await signUp({realm: 'north', nick: 'ann'});
    assert.deepEqual([ann.realm, ann.nick, ann.username], ['north', 'ann', undefined]);
    const other = await signUp({realm: 'south', nick: 'ann'});
    // Strangers do not hear that a name is taken: the answer is the same, and nobody is made.
    assert.notEqual((await signUp({realm: 'north', nick: 'ann'})).id, ann.id);
    await signUp({realm: 'north', nick: 'Ann'}); // such keys are exact
    await signUp({username: 'Ann'});
    assert.equal((await signUp({username: 'aNN'})).username, 'aNN');
    assert.equal((await client.auth.login({realm: 'south', nick: 'ann'}, password)).id, other.id);
    assert.equal((await client.auth.login({realm: 'north', nick: 'ann'}, password)).id, ann.id);
    assert.equal((await client.auth.loginWithUsername('ANN', password)).username, 'Ann');
  });

  await check('half a key, and a key that the app does not have, are refused', async () => {
    for (const names of [{realm: 'north'}, {nick: 'ann'}, {email: 'ann@example.com'}, {username: 'x', phone: '1'}]) {
      assert.deepEqual((await fails(108, signUp(names))).info, {arguments: ['auth_data']});
      await fails(108, client.auth.login(names, password));
    }
  });

  await check('a password that breaks the rules is refused, with the rule', async () => {
    for (const [word, reason] of [['short 1', 'PasswordTooShort'], ['long enough', 'PasswordDigitRequired'], ['my Hecate 1', 'PasswordContainingExcludedKeywords']]) {
      const refusal = await fails(126, signUp({username: 'Bob'}, word));
      assert.equal(refusal.name, 'PasswordPolicyViolated');
      assert.equal(refusal.info.reason, reason);
    }
    await signUp({username: 'Bob'});
    assert.equal((await fails(126, client.auth.changePassword(password, 'short'))).info.pw_length, 5);
    assert.equal((await fails(126, client.auth.changePassword(password, password))).info.reason, 'PasswordReused');
    await client.auth.changePassword(password, 'another one 2');
  });

  await check('a stranger does not learn who has an account', async () => {
    const refusals = [];
    for (const name of ['Bob', 'Nobody']) refusals.push(await fails(105, client.auth.loginWithUsername(name, 'wrong')));
    assert.deepEqual(refusals[0], refusals[1]);
  });
});
