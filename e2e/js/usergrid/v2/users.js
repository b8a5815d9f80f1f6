'use strict';
// Users: contracts/usergrid.md 12.2, 7.

const {User, Query, assert, check, flow, uuidShape, ask, anonymous, asUser, entity, http, ok, appToken, refused, fields, sorted} = require('./sdk');

flow(async () => {
  const guest = anonymous(); // of a sandbox

  await check('create', async () => {
    const user = new User({username: 'Ann', email: 'ann@example.com', password: 'secret', city: 'Zürich'});
    const [response, made] = await ask(user, 'create', guest);
    assert.ok(made instanceof User);
    assert.match(made.uuid, uuidShape);
    assert.deepEqual([made.username, made.email, made.activated, made.city, made.type], ['Ann', 'ann@example.com', true, 'Zürich', 'user']);
    assert.deepEqual([made.password, user.password, user.uuid], [undefined, undefined, made.uuid]);
    assert.ok(made.created === made.modified && Math.abs(Date.now() - made.created) < 60000);
    assert.deepEqual([response.body.path, response.body.action, response.body.params], ['/users', 'post', {}]);
    assert.deepEqual(made.metadata.collections, Object.fromEntries(['activities', 'devices', 'feed', 'groups', 'roles', 'following', 'followers']
      .map((name) => [name, `/users/${made.uuid}/${name}`])));
    assert.deepEqual(made.metadata.sets, {rolenames: `/users/${made.uuid}/roles`, permissions: `/users/${made.uuid}/permissions`});
  });

  await check('create refused', async () => {
    const create = (body) => ask(guest, 'POST', Object.assign({type: 'user'}, body));
    const taken = await refused(400, 'duplicate_unique_property_exists', create({username: 'ANN', password: 'secret'}),
      'Entity "user" requires that property named "username" be unique, value of ANN exists');
    assert.equal(taken.exception, 'org.apache.usergrid.persistence.exceptions.DuplicateUniquePropertyExistsException');
    await refused(400, 'duplicate_unique_property_exists', create({username: 'other', email: 'ANN@example.com', password: 'secret'}),
      'Entity "user" requires that property named "email" be unique, value of ANN@example.com exists');
    await refused(400, 'required_property_not_found', create({password: 'secret'}), 'Entity user requires a property named username');
    await refused(400, 'illegal_argument', create({username: 'me', password: 'secret'}));
    const weak = await refused(400, 'error_password_policy_violation', create({username: 'weak', password: 'abc'}));
    assert.match(weak.error_description, /at least 4 characters/);
    assert.equal((await http('GET', '/users/weak')).status, 404); // nobody was made
  });

  await check('CheckAvailable', async () => {
    for (const [asked, exists] of [
      [{username: 'ann'}, true], [{email: 'ann@example.com'}, true], [{username: 'new', email: 'ann@example.com'}, true],
      [{username: 'new'}, false], [{email: 'new@example.com'}, false], [{username: 'new', email: 'new@example.com'}, false],
    ]) {
      const [, found] = await ask(User, 'CheckAvailable', guest, asked);
      assert.equal(found, exists, JSON.stringify(asked));
    }
  });

  await check('login of a user object', async () => {
    const user = new User({username: 'ann', password: 'secret'});
    const [response, token] = await ask(user, 'login', guest);
    assert.equal(user.auth.token, token);
    assert.deepEqual([user.password, user.auth.isValid, response.body.user.city], [undefined, true, 'Zürich']);
    const byMail = new User({email: 'ann@example.com', password: 'secret'});
    await ask(byMail, 'login', guest);
    await refused(400, 'invalid_grant', ask(new User({username: 'ann', password: 'Secret'}), 'login', guest), 'invalid username or password');
  });

  await check('resetPassword', async () => {
    const user = new User({username: 'ann'});
    const before = await asUser('ann', 'secret');
    const [response, done] = await ask(user, 'resetPassword', guest, {oldPassword: 'secret', newPassword: 'secret2'}); // the old one is proof enough
    assert.deepEqual([done, response.body.action, Object.keys(response.body).sort()], [true, 'set user password', ['action', 'duration', 'timestamp']]);
    await refused(400, 'invalid_grant', ask(new User({username: 'ann', password: 'secret'}), 'login', guest));
    await asUser('ann', 'secret2');
    assert.equal((await ask(before, 'GET', {path: '/users/me', method: 'GET'}))[0].user.username, 'Ann'); // tokens live on
    await refused(400, 'auth_invalid_username_or_password', ask(user, 'resetPassword', guest, 'wrong', 'secret3'),
      'Unable to authenticate due to username or password being incorrect');
    await refused(404, 'service_resource_not_found', ask(new User({username: 'nobody'}), 'resetPassword', guest, 'secret2', 'secret3'));
    const missing = await http('PUT', '/users/ann/password', {json: {oldpassword: 'secret2'}});
    assert.deepEqual([missing.status, missing.body.error_description], [400, 'newpassword is required']);
  });

  await check('reload, save, remove', async () => {
    const [, user] = await ask(new User({username: 'ben', password: 'secret'}), 'create', guest);
    await ok('PUT', '/users/ben', {json: {color: 'red'}});
    await ask(user, 'reload', guest);
    assert.equal(user.color, 'red');
    user.putProperty('color', 'blue');
    user.putProperty('list', [1, 2]);
    await ask(user, 'save', guest);
    const again = await entity(guest, 'GET', 'users', 'ben');
    assert.deepEqual([again.color, again.list, again.activated, again.uuid], ['blue', [1, 2], true, user.uuid]);
    const [gone] = await ask(user, 'remove', guest);
    assert.deepEqual([gone.entity.username, gone.body.action], ['ben', 'delete']);
    await refused(404, 'entity_not_found', ask(guest, 'GET', 'users', user.uuid));
    await refused(400, 'invalid_grant', ask(new User({username: 'ben', password: 'secret'}), 'login', guest));
  });

  await check('a user is named by id, name or e-mail', async () => {
    const [, carl] = await ask(new User({username: 'carl.x', email: 'carl@example.com', password: 'secret'}), 'create', guest);
    for (const ref of [carl.uuid, 'carl.x', 'CARL.X', 'carl@example.com']) {
      assert.equal((await entity(guest, 'GET', 'users', ref)).uuid, carl.uuid, ref);
      assert.equal((await entity(guest, 'GET', 'user', ref)).uuid, carl.uuid, ref);
    }
    const bad = await http('GET', `/users/${encodeURIComponent('a#b')}`);
    assert.deepEqual([bad.status, bad.body.error, bad.body.error_description], [400, 'illegal_argument', 'Not a valid user identifier: a#b']);
    const taken = await http('PUT', '/users/carl.x', {json: {username: 'ann'}});
    assert.deepEqual([taken.status, taken.body.error], [400, 'duplicate_unique_property_exists']);
    const renamed = await entity(guest, 'PUT', 'users', 'carl.x', {username: 'carl', city: ''});
    assert.deepEqual([renamed.username, renamed.uuid], ['carl', carl.uuid]);
    await asUser('carl', 'secret');
  });

  await check('queries', async () => {
    const list = async (query) => sorted(fields((await ask(guest, 'GET', query))[0].users, 'username'));
    assert.deepEqual(await list(new Query('users')), ['Ann', 'carl']);
    assert.deepEqual(await list(new Query('users').not.eq('username', 'ann')), ['carl']);
    assert.deepEqual(await list(new Query('users').eq('city', 'zürich')), ['Ann']);
    assert.deepEqual(await list(new Query('users').eq('username', 'car*')), ['carl']);
    assert.deepEqual(await list(new Query('users').fromString("email = 'carl@example.com'")), ['carl']);
    for (let n = 0; n < 12; n++) await ok('POST', '/users', {json: {username: `u${n}`, password: 'secret'}});
    const seen = [];
    let [page] = await ask(guest, 'GET', new Query('users').limit(5).asc('username'));
    for (;;) {
      seen.push(...fields(page.users, 'username'));
      if (!page.hasNextPage) break;
      [page] = await ask(page, 'loadNextPage', guest);
    }
    assert.deepEqual([seen.length, new Set(seen).size, seen[0], seen[1]], [14, 14, 'Ann', 'carl']);
    const [removed] = await ask(guest, 'DELETE', new Query('users').eq('username', 'u1*').limit(20));
    assert.deepEqual(sorted(fields(removed.entities, 'username')), ['u1', 'u10', 'u11']);
  });

  await check('a deactivated user is out, until activated again', async () => {
    const client = await asUser('ann', 'secret2');
    const token = await appToken();
    const [user] = (await ok('POST', '/users/ann/deactivate', {json: {}, token})).entities;
    assert.equal(user.activated, false);
    assert.equal((await http('GET', '/users/me', {token: client.currentUser.auth.token})).status, 401);
    await refused(400, 'invalid_grant', ask(new User({username: 'ann', password: 'secret2'}), 'login', guest), 'user not activated');
    await ok('PUT', '/users/ann', {json: {activated: true}, token});
    await asUser('ann', 'secret2');
  });
});
