'use strict';
// Who calls: contracts/usergrid.md 12.2, 3, 4.

const {
  Client, User, Auth, AppAuth, UserAuth, assert, check, flow, clientId, clientSecret, everything, ask, anonymous, asApp, asUser, entity, http, refused,
} = require('./sdk');

flow(async () => {
  const guest = anonymous();
  const ann = await entity(guest, 'POST', {type: 'user', username: 'ann', email: 'ann@example.com', password: 'secret'});

  await check('the client reads config.json', async () => {
    const client = new Client();
    assert.deepEqual([client.orgId, client.appId, client.baseUrl], [process.env.ORG, process.env.APP, process.env.ENDPOINT]);
    assert.equal(client.appAuth.clientId, clientId);
    const other = new Client({orgId: 'nobody', appId: 'nothing', baseUrl: process.env.ENDPOINT});
    const answer = await refused(404, 'organization_application_not_found', ask(other, 'GET', 'users'));
    assert.match(answer.error_description, /^Could not find application for nobody\/nothing from URI: .*nobody\/nothing\/users/);
  });

  await check('authenticateApp', async () => {
    const client = new Client();
    client.setAppAuth(clientId, clientSecret);
    const [response, token] = await ask(client, 'authenticateApp');
    assert.ok(token.length > 10);
    assert.deepEqual([client.appAuth.token, client.appAuth.isValid, response.body.expires_in], [token, true, 604800]);
    assert.equal(response.body.application, ann.metadata && (await http('GET', '/', {token})).body.entities[0].uuid);
    const short = new Client();
    const [timed] = await ask(short, 'authenticateApp', new AppAuth(clientId, clientSecret, 500000));
    assert.equal(timed.body.expires_in, 500);
    assert.ok(short.appAuth.expiry > Date.now() && short.appAuth.expiry < Date.now() + 500001);
  });

  await check('authenticateApp refused', async () => {
    for (const [id, secret] of [['BADCLIENTID', 'BADCLIENTSECRET'], [clientId, 'BADCLIENTSECRET'], [clientId, clientSecret + 'x']]) {
      const client = new Client();
      client.appAuth = undefined;
      const answer = await refused(400, 'invalid_grant', ask(client, 'authenticateApp', new AppAuth(id, secret)), 'invalid username or password');
      assert.deepEqual(Object.keys(answer).sort(), ['error', 'error_description', 'status']);
      assert.equal(client.appAuth, undefined);
    }
  });

  await check('authenticateUser by name, by e-mail, with a life', async () => {
    for (const options of [{username: 'ann', password: 'secret'}, {username: 'ANN@example.com', password: 'secret'}, {email: 'ann@example.com', password: 'secret'},
      new UserAuth('ann', 'secret', 500000)]) {
      const client = new Client();
      const [response, token] = await ask(client, 'authenticateUser', options);
      assert.equal(client.currentUser.auth.token, token);
      assert.ok(client.currentUser.auth.isValid && client.currentUser.auth.expiry > Date.now());
      assert.deepEqual([response.body.user.uuid, response.body.user.username, response.body.user.email, response.body.user.type],
        [ann.uuid, 'ann', 'ann@example.com', 'user']);
      assert.equal(response.body.user.metadata.collections.activities, `/users/${ann.uuid}/activities`);
      assert.deepEqual([response.body.user.password, client.currentUser.password, client.currentUser.auth.password], [undefined, undefined, undefined]);
      assert.equal(response.body.expires_in, options instanceof UserAuth ? 500 : 604800);
    }
    const client = new Client();
    await ask(client, 'authenticateUser', {username: 'ann', password: 'secret'}, false);
    assert.equal(client.currentUser, undefined);
    await refused(400, 'invalid_grant', ask(client, 'authenticateUser', {username: 'ann', password: 'wrong'}), 'invalid username or password');
    await refused(400, 'invalid_grant', ask(client, 'authenticateUser', {email: 'nobody@example.com', password: 'secret'}), 'invalid username or password');
  });

  await check('the modes, and a permission that holds at once', async () => {
    const client = await asApp();
    const [gone] = await ask(client.usingAuth(client.appAuth), 'DELETE', 'roles/guest/permissions', {permission: everything});
    assert.deepEqual([...gone.body.data].sort(), ['post:/devices', 'post:/users', 'put:/devices/*']);
    assert.deepEqual([gone.body.params, gone.body.entities], [{permission: [everything]}, []]);
    try {
      client.authMode = Auth.AUTH_MODE_NONE;
      const answer = await refused(401, 'unauthorized', ask(client, 'GET', 'users'), 'Subject does not have permission to access this resource');
      assert.ok(answer.exception);
      client.authMode = Auth.AUTH_MODE_APP;
      const [list, user] = await ask(client, 'GET', 'users');
      assert.ok(user instanceof User);
      assert.deepEqual([list.users.length, list.user.username], [1, 'ann']);
      client.authMode = Auth.AUTH_MODE_USER; // nobody is logged in
      await refused(401, 'unauthorized', ask(client, 'GET', 'users'));
      await ask(client, 'authenticateUser', {username: 'ann', password: 'secret'});
      assert.equal((await ask(client, 'GET', 'users'))[0].users.length, 1); // the role default
      await refused(401, 'unauthorized', ask(client.usingAuth(Auth.NO_AUTH), 'GET', 'users'));
    } finally {
      client.authMode = Auth.AUTH_MODE_NONE;
      const [back] = await ask(client.usingAuth(client.appAuth), 'POST', 'roles/guest/permissions', {permission: everything});
      assert.ok(back.body.data.includes(everything));
    }
    assert.equal((await ask(client, 'GET', 'users'))[0].users.length, 1);
  });

  await check('a bad token is no guest', async () => {
    const answer = await refused(401, 'auth_bad_access_token', ask(guest.usingAuth('BADTOKEN'), 'GET', 'users'), 'Unable to authenticate due to corrupt access token');
    assert.equal(answer.exception, 'org.apache.usergrid.rest.exceptions.SecurityException');
    assert.deepEqual(Object.keys(answer).sort(), ['duration', 'error', 'error_description', 'exception', 'status', 'timestamp']);
    await refused(401, 'auth_bad_access_token', ask(guest.usingAuth('BADTOKEN'), 'GET', 'users/me', {}));
    assert.equal((await ask(guest, 'GET', 'users'))[0].users.length, 1);
  });

  await check('users/me', async () => {
    const client = await asUser('ann', 'secret');
    const [response] = await ask(client, 'GET', {path: '/users/me', method: 'GET'}); // the SDK adds the path to the query
    assert.equal(response.user.uuid, ann.uuid);
    assert.equal(response.body.path, '/users');
    await refused(404, 'service_resource_not_found', ask(guest, 'GET', {path: '/users/me', method: 'GET'}));
    const own = await asApp();
    await refused(404, 'service_resource_not_found', ask(own, 'GET', {path: '/users/me', method: 'GET'}));
  });

  await check('logout ends one session, logoutAllSessions all', async () => {
    const [one, two, three] = [await asUser('ann', 'secret'), await asUser('ann', 'secret'), await asUser('ann', 'secret')];
    const token = one.currentUser.auth.token;
    const user = new User({username: 'ann', uuid: ann.uuid, type: 'user'});
    user.auth = one.currentUser.auth;
    const [response, done] = await ask(user, 'logout', anonymous());
    assert.deepEqual([done, response.body.action, Object.keys(response.body).sort()], [true, 'revoked user token', ['action', 'duration', 'timestamp']]);
    await refused(401, 'auth_invalid', ask(guest.usingAuth(token), 'GET', 'users'), 'Unable to authenticate');
    await assert.rejects(ask(user, 'logout', anonymous()), /no_valid_token/); // local
    assert.equal((await ask(two, 'GET', 'users'))[0].users.length, 1);
    const last = two.currentUser.auth.token;
    const [all] = await ask(two.currentUser, 'logoutAllSessions', two);
    assert.equal(all.body.action, 'revoked user tokens');
    for (const dead of [last, three.currentUser.auth.token]) {
      await refused(401, 'auth_invalid', ask(guest.usingAuth(dead), 'GET', 'users'), 'Unable to authenticate');
    }
    assert.equal((await ask(await asUser('ann', 'secret'), 'GET', 'users'))[0].users.length, 1);
  });

  await check('a token of the application lives on when a user\'s ends', async () => {
    const own = await asApp();
    const client = await asUser('ann', 'secret');
    await ask(client.currentUser, 'logoutAllSessions', client);
    assert.equal((await ask(own, 'GET', 'users'))[0].users.length, 1);
  });
});
