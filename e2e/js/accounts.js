'use strict';
// Accounts: contracts/syncano.md 2.1, through `Account` of the client. The server runs with open registration.

const {assert, check, flow, connect, refused, owner, noSuchKey, denied, http, unique} = require('./flow');

flow(async () => {
  const email = `${unique('chell')}@example.com`;
  const password = 'still alive';
  let key;
  const account = () => connect({accountKey: key}).Account;

  await check('an account is registered', async () => {
    const answer = await connect({}).Account.register({email: email.toUpperCase(), password, first_name: 'Chell', last_name: 'J.'});
    assert.deepEqual(Object.keys(answer).sort(),
      ['account_key', 'email', 'first_name', 'has_password', 'id', 'is_active', 'last_name', 'metadata']);
    assert.equal(answer.email, email);
    assert.equal(answer.first_name, 'Chell');
    assert.equal(answer.last_name, 'J.');
    assert.equal(answer.is_active, false);
    assert.equal(answer.has_password, true);
    assert.deepEqual(answer.metadata, {});
    assert.match(answer.account_key, /^[0-9a-f]{39}[02468ace]$/);
    key = answer.account_key;
  });

  await check('an address registers once, in any case', async () => {
    const err = await refused(400, connect({}).Account.register({email: email.toUpperCase(), password}));
    assert.ok(Array.isArray(err.errors.email), JSON.stringify(err.errors));
  });

  await check('registration names every missing and wrong field', async () => {
    await refused(400, connect({}).Account.register({}),
      {email: ['This field is required.'], password: ['This field is required.']});
    await refused(400, connect({}).Account.register({email: 'nobody', password}), {email: ['Enter a valid email address.']});
    await refused(400, connect({}).Account.register({email: `x${email}`, password, invitation_key: 'a'.repeat(40)}),
      {invitation_key: 'Invitation not found.'});
  });

  await check('a login gives the key to the connection', async () => {
    const connection = connect({});
    const answer = await connection.Account.login({email, password});
    assert.equal(answer.account_key, key);
    assert.equal(connection.getAccountKey(), key);
  });

  await check('a wrong login is refused', async () => {
    for (const attempt of [{email, password: 'cake'}, {email: 'nobody@example.com', password}]) {
      const err = await refused(401, connect({}).Account.login(attempt));
      assert.equal(typeof err.errors.detail, 'string');
    }
    await refused(400, connect({}).Account.login({}),
      {email: ['This field is required.'], password: ['This field is required.']});
  });

  await check('the account is read and changed', async () => {
    const before = await account().getUserDetails();
    assert.equal(before.email, email);
    assert.equal('account_key' in before, false);
    const after = await account().update({email, first_name: 'Michelle', last_name: 'Jones'});
    assert.equal(after.id, before.id);
    assert.equal(after.first_name, 'Michelle');
    assert.equal((await account().getUserDetails()).last_name, 'Jones');
  });

  await check('the address of another account is not taken over, the rest is stored', async () => {
    const answer = await account().update({email: owner.email, first_name: 'Doug', last_name: 'Rattmann'});
    assert.equal(answer.email, email);
    assert.equal(answer.first_name, 'Doug');
    assert.equal(answer.is_active, false);
  });

  await check('metadata is kept', async () => {
    const answer = await http('PATCH', '/v1.1/account/', {key, json: {metadata: {theme: 'dark'}}});
    assert.equal(answer.status, 200);
    assert.deepEqual(answer.body.metadata, {theme: 'dark'});
  });

  await check('the password changes with the old one, and the key stays', async () => {
    await refused(400, account().changePassword({current_password: 'cake', new_password: 'x'}), {current_password: ['Invalid password.']});
    await refused(400, account().changePassword({}),
      {current_password: ['This field is required.'], new_password: ['This field is required.']});
    await account().changePassword({current_password: password, new_password: 'the cake is a lie'});
    await refused(401, connect({}).Account.login({email, password}));
    const answer = await connect({}).Account.login({email, password: 'the cake is a lie'});
    assert.equal(answer.account_key, key);
  });

  await check('a password is set only where there is none', async () => {
    await refused(400, account().setPassword('another'), {password: ['Admin already has password.']});
  });

  await check('a reset key replaces the old one at once', async () => {
    const old = key;
    const answer = await account().resetKey();
    assert.match(answer.account_key, /^[0-9a-f]{40}$/);
    assert.notEqual(answer.account_key, old);
    await refused(403, account().getUserDetails(), noSuchKey);
    key = answer.account_key;
    assert.equal((await account().getUserDetails()).email, email);
  });

  await check('a forgotten password is reset by mail', async () => {
    await connect({}).Account.resetPassword(email);
    await refused(400, connect({}).Account.resetPassword('nobody@example.com'), {email: ['Email not found.']});
    const wrong = await refused(400, connect({}).Account.confirmPasswordReset({uid: 'MQ', token: 'wrong', new_password: 'x'}));
    assert.match(JSON.stringify(wrong.errors), /Invalid token\./);
  });

  await check('activation refuses a wrong token, and a mail is sent again', async () => {
    const wrong = await refused(400, connect({}).Account.activate({uid: 'MQ', token: 'wrong'}));
    assert.match(JSON.stringify(wrong.errors), /Invalid token/);
    await connect({}).Account.resendEmail(email);
    await refused(400, connect({}).Account.resendEmail('nobody@example.com'), {email: ['Email not found.']});
  });

  await check('without a key, or with a wrong one, there is no account', async () => {
    await refused(403, connect({}).Account.getUserDetails(), denied);
    await refused(403, connect({accountKey: 'f'.repeat(40)}).Account.getUserDetails(), noSuchKey);
    await refused(403, connect({accountKey: 'not a key'}).Account.getUserDetails(), noSuchKey);
  });
});
