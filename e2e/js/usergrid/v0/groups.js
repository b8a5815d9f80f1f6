'use strict';
// Groups, roles and permissions: contracts/usergrid.md 12.1, 8. The application is no sandbox: guests may register, and no more.

const {assert, check, flow, uuidShape, asApp, asGuest, asUser, ask, made, http, ok, appToken, refused, signedUp, sorted} = require('./sdk');

flow(async () => {
  const own = asApp();
  const token = await appToken();
  const ann = await signedUp(own, 'ann');
  const ben = await signedUp(own, 'ben');
  // Users hold the role default, which allows everything; without it only their own roles count.
  await ok('DELETE', `/roles/default/permissions?permission=${encodeURIComponent('get,put,post,delete:/**')}`, {token});
  let group;

  await check('what an application begins with', async () => {
    const roles = (await ok('GET', '/roles', {token})).entities;
    assert.deepEqual(sorted(roles.map((r) => `${r.name}: ${r.title}`)), ['admin: Administrator', 'default: Default', 'guest: Guest']);
    assert.deepEqual(sorted((await ok('GET', '/roles/guest/permissions', {token})).data), ['post:/devices', 'post:/users', 'put:/devices/*']);
    assert.deepEqual((await ok('GET', '/roles/admin/permissions', {token})).data, []);
    const guest = asGuest();
    await refused(401, 'unauthorized', ask(guest, 'request', {endpoint: 'users'}));
    await refused(401, 'unauthorized', ask(guest, 'request', {endpoint: 'cats'}));
    const [answer] = await ask(guest, 'request', {method: 'POST', endpoint: 'users', body: {username: 'carl', password: 'secret'}});
    assert.equal(answer.entities[0].username, 'carl');
    await refused(401, 'unauthorized', ask(guest, 'request', {method: 'PUT', endpoint: 'users/carl', body: {x: 1}}));
  });

  await check('createGroup looks first, then creates', async () => {
    group = (await ask(own, 'createGroup', {path: 'staff/night', title: 'Night shift'}))[0];
    assert.match(group.get('uuid'), uuidShape);
    assert.deepEqual([group.get('path'), group.get('title')], ['staff/night', 'Night shift']);
    const [again] = await ask(own, 'createGroup', {path: 'staff/night', title: 'Other'});
    assert.deepEqual([again.get('uuid'), again.get('title')], [group.get('uuid'), 'Night shift']);
    const [byID] = (await ok('GET', `/groups/${group.get('uuid')}`, {token})).entities;
    assert.deepEqual([byID.path, byID.type, byID.metadata.path], ['staff/night', 'group', `/groups/${group.get('uuid')}`]);
    await refused(400, 'illegal_argument', ask(own, 'request', {method: 'POST', endpoint: 'groups', body: {title: 'x'}}),
      "You must provide a 'path' property when creating a group");
    await refused(400, 'illegal_argument', ask(own, 'request', {method: 'POST', endpoint: 'groups', body: {path: 'a b'}}),
      'Illegal characters found in group name: a b');
    await refused(400, 'duplicate_unique_property_exists', ask(own, 'request', {method: 'POST', endpoint: 'groups', body: {path: 'Staff/Night'}}));
  });

  await check('members are added and removed', async () => {
    const users = (list) => sorted(Array.from(list, (u) => u.get('username')));
    const [, members] = await ask(group, 'add', {user: ann});
    assert.deepEqual(users(members), ['ann']);
    await ask(group, 'add', {user: ben});
    await ask(group, 'fetch');
    assert.deepEqual(users((await ask(group, 'members'))[0]), ['ann', 'ben']);
    const [, groups] = await ask(ann, 'getGroups');
    assert.deepEqual(groups.map((g) => g.path), ['staff/night']);
    const [, left] = await ask(group, 'remove', {user: {username: 'ben'}});
    assert.deepEqual(users(left), ['ann']);
    assert.deepEqual((await ask(ben, 'getGroups'))[1], []);
    await refused(404, 'service_resource_not_found', ask(group, 'remove', {user: {username: 'ben'}}));
  });

  await check('createRole', async () => {
    // The client complains that a role is no user, and then goes on: its callback is called twice.
    const data = await new Promise((resolve, reject) => {
      own.createRole('reader', 'get:/cats/**', (err, answer, list) => {
        if (!err) resolve([answer, list]);
        else if (err !== 'entity must be a group or user') reject(new Error(`${err} ${JSON.stringify(answer)}`));
      });
    });
    assert.deepEqual(data[1], ['get:/cats/**']);
    const [role] = (await ok('GET', '/role/reader', {token})).entities;
    assert.deepEqual([role.type, role.name, role.roleName], ['role', 'reader', 'reader']);
    assert.equal(role.metadata.sets.permissions, `/roles/${role.uuid}/permissions`);
    await refused(400, 'duplicate_unique_property_exists', ask(own, 'request', {method: 'POST', endpoint: 'roles', body: {name: 'Reader'}}));
    await refused(400, 'required_property_not_found', ask(own, 'request', {method: 'POST', endpoint: 'roles', body: {title: 'x'}}));
  });

  // may tells what a user may do with cats at this moment.
  const may = async (client) => {
    const tries = {get: 'GET', post: 'POST'};
    const allowed = [];
    for (const [word, method] of Object.entries(tries)) {
      const answer = await http(method, '/cats', {token: client.getToken(), json: method === 'POST' ? {n: 1} : undefined});
      assert.ok([200, 401].includes(answer.status), JSON.stringify(answer.body));
      if (answer.status === 200) allowed.push(word);
      else assert.equal(answer.body.error, 'unauthorized');
    }
    return allowed.join();
  };

  await check('assignRole and removeRole of a user hold at once', async () => {
    const client = await asUser('ann', 'secret');
    assert.equal(await may(client), '');
    await ask(ann, 'assignRole', 'reader'); // the client's path ends in userss/<uuid>
    assert.equal(await may(client), 'get');
    const [, roles] = await ask(ann, 'getRoles');
    assert.deepEqual(roles.map((r) => r.name), ['reader']);
    assert.deepEqual((await ok('GET', '/roles/reader/users', {token})).entities.map((u) => u.username), ['ann']);
    assert.deepEqual((await ok('GET', '/users/ann/rolenames', {token})).data, {reader: 'reader'});
    assert.equal((await http('GET', '/users/me', {token: client.getToken()})).status, 200);
    await ask(ann, 'removeRole', 'reader');
    assert.equal(await may(client), '');
    assert.equal((await http('GET', '/users/me', {token: client.getToken()})).status, 200); // always
  });

  await check('the role of a group is its members\'', async () => {
    const client = await asUser('ann', 'secret');
    await ask(group, 'fetch');
    const loaded = (await made(own, {type: 'groups', name: 'staff/night', uuid: group.get('uuid')}));
    loaded.set('type', 'groups');
    await ask(loaded, 'assignRole', 'reader');
    assert.deepEqual((await ok('GET', '/groups/staff/night/roles', {token})).entities.map((r) => r.name), ['reader']);
    assert.equal(await may(client), 'get');
    await ask(loaded, 'removeRole', 'reader');
    assert.equal(await may(client), '');
    await ask(loaded, 'assignRole', 'reader');
    await ask(group, 'remove', {user: {username: 'ann'}});
    assert.equal(await may(client), '');
  });

  await check('permissions of a user', async () => {
    const client = await asUser('ben', 'secret');
    const [, data] = await ask(ben, 'assignPermissions', 'GET,post:cats/**');
    assert.deepEqual(data, ['get,post:cats/**']); // kept in lower case, so that it can be removed by its text; a path without a slash has one
    assert.equal(await may(client), 'get,post');
    await ask(ben, 'assignPermissions', 'get,post:cats/**'); // again is nothing new
    await ask(ben, 'getPermissions');
    assert.deepEqual(ben.permissions, [{operations: {get: 'yes', post: 'yes', put: 'no', delete: 'no'}, path: 'cats/**', perm: 'get,post:cats/**'}]);
    const [, removed] = await ask(ben, 'removePermissions', 'get,post:cats/**');
    assert.deepEqual([removed].flat(), ['get,post:cats/**']);
    assert.equal(await may(client), '');
    await ask(ben, 'getPermissions');
    assert.deepEqual(ben.permissions, []);
  });

  await check('permissions of a group are kept, and do not count', async () => {
    await ask(group, 'add', {user: ben});
    const loaded = await made(own, {type: 'groups', uuid: group.get('uuid'), name: 'staff/night'});
    loaded.set('type', 'groups');
    const [, data] = await ask(loaded, 'assignPermissions', 'get:/mice/**');
    assert.deepEqual(data, ['get:/mice/**']);
    const client = await asUser('ben', 'secret');
    assert.equal((await http('GET', '/mice', {token: client.getToken()})).status, 401);
  });

  await check('${user} and me in a permission', async () => {
    await ok('POST', '/roles/default/permissions', {json: {permission: 'get,put:/users/${user}/**'}, token});
    const client = await asUser('ann', 'secret');
    const change = (path) => http('PUT', path, {json: {city: 'Bern'}, token: client.getToken()});
    for (const path of ['/users/me', '/users/ann', `/users/${ann.get('uuid')}`]) assert.equal((await change(path)).status, 200, path);
    for (const path of ['/users/ben', `/users/${ben.get('uuid')}`]) assert.equal((await change(path)).status, 401, path);
  });

  await check('a bare /** does not make users masters of each other\'s accounts', async () => {
    await ok('POST', '/roles/default/permissions', {json: {permission: 'get,put,post,delete:/**'}, token});
    const client = await asUser('ann', 'secret');
    assert.equal(await may(client), 'get,post');
    for (const [method, path, json] of [
      ['PUT', '/users/ben', {username: 'mine'}], ['DELETE', '/users/ben'], ['POST', '/users/ben/deactivate', {}], ['POST', '/roles/admin/users/ann', {}],
      ['POST', '/roles/default/permissions', {permission: 'get:/x'}], ['POST', '/users/ann/permissions', {permission: 'put:/users/**'}],
    ]) {
      const answer = await http(method, path, {json, token: client.getToken()});
      assert.deepEqual([answer.status, answer.body.error], [401, 'unauthorized'], `${method} ${path}`);
    }
    const untouched = (await ok('GET', '/users/ben', {token})).entities[0];
    assert.deepEqual([untouched.username, untouched.activated], ['ben', true]);
  });

  await check('groups and roles are deleted', async () => {
    await ask(group, 'destroy');
    await refused(404, 'entity_not_found', ask(own, 'request', {endpoint: `groups/${group.get('uuid')}`}));
    const [answer] = await ask(own, 'request', {method: 'DELETE', endpoint: 'roles/reader'});
    assert.equal(answer.entities[0].name, 'reader');
    assert.equal((await http('GET', '/roles/reader', {token})).status, 404);
  });
});
