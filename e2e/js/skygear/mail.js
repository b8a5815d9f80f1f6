'use strict';
// Letters as the client of forgotten passwords and verification asks for them: contracts/skygear.md 2.9 and 2.10. STEP says which
// part of the conversation this is; what the letters said comes from the test, which reads them.

const {assert, flow, open, fails} = require('./sdk');

const {STEP, NAME, PASSWORD, CODE, USER_ID, EXPIRE_AT} = process.env;
const email = `${NAME}@example.com`;

async function signedIn() {
  const client = await open();
  await client.auth.loginWithUsername(NAME, PASSWORD);
  return client;
}

const steps = {
  async signup() {
    const client = await open();
    await client.auth.signup({username: NAME, email}, PASSWORD, {});
    assert.equal(client.auth.currentUser.email_verified, false);
    assert.equal(client.auth.currentUser.is_verified, false);
    await fails(108, client.auth.requestVerification('nickname'));
    assert.equal(await client.auth.requestVerification('email'), undefined);
  },
  async verify() {
    const client = await signedIn();
    await fails(108, client.auth.verifyUserWithCode('00'));
    const user = await client.auth.verifyUserWithCode(CODE);
    assert.equal(user.email_verified, true);
    assert.equal(client.auth.currentUser.is_verified, true);
    await fails(108, client.auth.verifyUserWithCode(CODE));
  },
  async verified() {
    const client = await signedIn();
    assert.equal(client.auth.currentUser.email_verified, true);
  },
  async forgot() {
    const client = await open();
    assert.deepEqual(await client.auth.forgotPassword(email), {status: 'OK'});
    assert.deepEqual(await client.auth.forgotPassword('nobody@example.com'), {status: 'OK'});
    await fails(108, client.auth.forgotPassword(null));
  },
  async reset() {
    const client = await open();
    const at = Number(EXPIRE_AT);
    await fails(110, client.auth.resetPassword(USER_ID, 'd819e774', at, PASSWORD));
    await fails(110, client.auth.resetPassword(USER_ID, CODE, at + 1, PASSWORD));
    assert.deepEqual(await client.auth.resetPassword(USER_ID, CODE, at, PASSWORD), {status: 'OK'});
    assert.equal(client.auth.currentUser, null);
    await fails(110, client.auth.resetPassword(USER_ID, CODE, at, PASSWORD));
    await signedIn();
  },
};

flow(steps[STEP]);
