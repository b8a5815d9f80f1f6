'use strict';
// Signing up, logging in, and being somebody: contracts/usergrid.md 12.1, 3.3, 4.

const {
  Usergrid, assert, check, flow, app, admin, clientId, uuidShape, everything, open, asApp, asGuest, asUser, ask, http, ok, appToken, adminToken,
  refused, signedUp,
} = require('./sdk');

flow(async () => {
  const guest = asGuest();
  let ann;

  await check('signup looks first, then creates', async () => {
    ann = await signedUp(guest, 'Ann');
    assert.match(ann.get('uuid'), uuidShape);
    assert.deepEqual([ann.get('username'), ann.get('email'), ann.get('name')], ['Ann', 'Ann@example.com', 'ANN']);
    assert.equal(ann.get('activated'), true);
    assert.match(ann.get('picture'), /^https?:\/\/www\.gravatar\.com\/avatar\/[0-9a-f]{32}$/);
    assert.equal(ann.get('metadata').path, `/users/${ann.get('uuid')}`);
    assert.equal(ann.get('metadata').sets.permissions, `/users/${ann.get('uuid')}/permissions`);
    const [found] = await ask(guest, 'getEntity', {type: 'users', username: 'ann'});
    assert.equal(found.get('uuid'), ann.get('uuid'));
    assert.equal(found.get('type'), 'user');
    assert.equal(found.get('password'), undefined);
    await refused(404, 'service_resource_not_found', ask(guest, 'getEntity', {type: 'users', username: 'nobody'}), 'Service resource not found');
  });

  await check('signup of a taken name gives who is there, unchanged', async () => {
    const [again] = await ask(guest, 'signup', 'ann', 'another secret', 'other@example.com', 'Other');
    assert.equal(again.get('uuid'), ann.get('uuid'));
    assert.equal(again.get('email'), 'Ann@example.com');
    await refused(400, 'invalid_grant', ask(guest, 'login', 'ann', 'another secret'));
    const [taken] = [await http('POST', '/users', {json: {username: 'ANN', password: 'secret'}})];
    assert.deepEqual([taken.status, taken.body.error], [400, 'duplicate_unique_property_exists']);
  });

  await check('login by name and by e-mail', async () => {
    for (const name of ['Ann', 'ann', 'ann@example.com']) {
      const client = open();
      const [answer, user] = await ask(client, 'login', name, 'secret');
      assert.deepEqual([user.get('uuid'), user.get('username'), user.get('email')], [ann.get('uuid'), 'Ann', 'Ann@example.com']);
      assert.equal(answer.expires_in, 604800);
      assert.equal(client.getToken(), answer.access_token);
      assert.ok(client.isLoggedIn());
      client.logout();
      assert.ok(!client.isLoggedIn());
    }
  });

  await check('login refused', async () => {
    for (const [name, password] of [['ann', 'wrong'], ['nobody', 'secret'], ['', '']]) {
      const answer = await refused(400, 'invalid_grant', ask(guest, 'login', name, password), 'invalid username or password');
      assert.equal(answer.exception, undefined);
    }
    const answer = await refused(400, 'invalid_grant', ask(guest, 'request', {method: 'POST', endpoint: 'token', body: {grant_type: 'refresh_token'}}));
    assert.equal(answer.access_token, undefined);
  });

  await check('the logged-in user', async () => {
    const client = await asUser('ann', 'secret');
    const [answer, user] = await ask(client, 'getLoggedInUser');
    assert.equal(user.get('uuid'), ann.get('uuid'));
    assert.deepEqual([answer.path, answer.action, answer.entities.length], ['/users', 'get', 1]);
    assert.deepEqual(answer.params, {}); // tokens are not echoed
    client.setToken('BADTOKEN');
    const bad = await refused(401, 'auth_bad_access_token', ask(client, 'getLoggedInUser'), 'Unable to authenticate due to corrupt access token');
    assert.equal(bad.exception, 'org.apache.usergrid.rest.exceptions.SecurityException');
    client.setToken('');
    await refused(404, 'service_resource_not_found', ask(client, 'request', {endpoint: 'users/me'})); // a guest of a sandbox has no self
  });

  await check('the life of a token may be asked for', async () => {
    const login = (ttl) => ask(guest, 'request', {method: 'POST', endpoint: 'token', body: {grant_type: 'password', username: 'ann', password: 'secret', ttl}});
    assert.equal((await login(500000))[0].expires_in, 500);
    assert.equal((await login('500000'))[0].expires_in, 500);
    assert.equal((await login(0))[0].expires_in, 604800);
    await refused(400, 'illegal_argument', login(604800001), 'Your token age cannot be more than the maximum age of 604800000 milliseconds');
    await refused(400, 'illegal_argument', login('soon'), 'ttl must be a number >= 0');
  });

  await check('with CLIENT_ID every call is the application\'s own', async () => {
    const own = asApp();
    const [answer, user] = await ask(own, 'login', 'ann', 'secret'); // its own credentials, and the user's beside them
    assert.equal(user.get('username'), 'Ann');
    assert.ok(answer.access_token.length > 10);
    const [seen] = await ask(own, 'request', {endpoint: 'users/ann'});
    assert.equal(seen.entities[0].username, 'Ann');
    assert.deepEqual(seen.params, {});
    const [keys] = await ask(own, 'request', {endpoint: 'credentials'});
    assert.deepEqual([keys.status, keys.credentials.client_id], ['ok', clientId]);
    const wrong = open({authType: Usergrid.AUTH_CLIENT_ID, clientId, clientSecret: 'YXA6wrong'});
    await refused(401, 'invalid_client', ask(wrong, 'request', {endpoint: 'users'}), 'Unable to authenticate (OAuth)');
    const guests = await refused(401, 'unauthorized', ask(guest, 'request', {endpoint: 'credentials'}));
    assert.equal(guests.credentials, undefined);
  });

  await check('a password is changed by a save', async () => {
    const [user] = await ask(guest, 'getEntity', {type: 'users', username: 'ann'});
    user.set('type', 'users');
    user.set({city: 'Zürich', oldpassword: 'secret', newpassword: 'secret2'});
    const [answer] = await ask(user, 'save');
    assert.equal(answer.action, 'set user password');
    assert.equal(user.get('city'), 'Zürich');
    await refused(400, 'invalid_grant', ask(guest, 'login', 'ann', 'secret'));
    const [, again] = await ask(guest, 'login', 'ann', 'secret2');
    assert.deepEqual([again.get('city'), again.get('oldpassword'), again.get('newpassword')], ['Zürich', undefined, undefined]);
    user.set({oldpassword: 'wrong', newpassword: 'secret3'});
    await refused(400, 'auth_invalid_username_or_password', ask(user, 'save'), 'Unable to authenticate due to username or password being incorrect');
    await ask(guest, 'login', 'ann', 'secret2');
    const weak = await http('PUT', '/users/ann/password', {json: {oldpassword: 'secret2', newpassword: 'abc'}});
    assert.deepEqual([weak.status, weak.body.error], [400, 'error_password_policy_violation']);
  });

  await check('where guests may nothing, only what a role allows', async () => {
    const token = await appToken();
    const change = (method) => (method === 'DELETE'
      ? ok('DELETE', `/roles/guest/permissions?permission=${encodeURIComponent(everything)}`, {token})
      : ok('POST', '/roles/guest/permissions', {json: {permission: everything}, token}));
    await change('DELETE');
    try {
      await refused(401, 'unauthorized', ask(guest, 'request', {endpoint: 'users'}));
      await refused(401, 'unauthorized', ask(guest, 'request', {endpoint: 'users/me'}));
      await ask(guest, 'login', 'ann', 'secret2');
      await signedUp(asApp(), 'Carl');
      assert.deepEqual((await ask(guest, 'request', {method: 'POST', endpoint: 'users', body: {username: 'Dora', password: 'secret'}}))[0].entities[0].username, 'Dora');
      const [list] = await ask(asApp(), 'request', {endpoint: 'users'});
      assert.equal(list.count, 3);
    } finally {
      await change('POST');
    }
    assert.equal((await ask(guest, 'request', {endpoint: 'users'}))[0].count, 3);
  });

  await check('an admin re-authenticates', async () => {
    const token = await adminToken();
    const lite = open({authType: Usergrid.AUTH_APP_USER, token});
    await ask(lite, 'reAuthenticateLite');
    assert.equal(lite.getToken(), token);
    const full = open({authType: Usergrid.AUTH_APP_USER, token});
    full.parseApplicationsArray = (own) => Object.keys(own.applications); // the client calls two functions that only the old portal had
    full.selectFirstApp = () => {};
    const [data, user, organizations, applications] = await ask(full, 'reAuthenticate', admin.email);
    assert.equal(full.getToken(), token);
    assert.equal(data.email, admin.email);
    assert.equal(user.get('username'), data.username);
    assert.ok(organizations[process.env.ORG].applications[`${process.env.ORG}/${app}`.toLowerCase()].match(uuidShape));
    assert.ok(applications.includes(`${process.env.ORG}/${app}`.toLowerCase()));
  });

  await check('a user of an application is no admin', async () => {
    const client = await asUser('ann', 'secret2');
    const token = client.getToken();
    await assert.rejects(ask(client, 'reAuthenticateLite'));
    assert.ok(!client.getToken()); // the client forgets a token that is refused
    for (const path of ['/management/me', `/management/users/${admin.email}`]) {
      const answer = await http('GET', path, {token});
      assert.equal(answer.status, 401, `${path}: ${JSON.stringify(answer.body)}`);
    }
  });
});
