'use strict';
// Users: contracts/syncano.md 2.4 and 2.5.

const {assert, check, flow, connect, send, raw, refused, http, everything, newInstance, newKey, denied, ids} = require('./flow');

flow(async () => {
  const {name, admin, path} = await newInstance('users');
  const {User} = admin;
  const apiKey = await newKey(admin, {allow_user_create: true});
  const client = () => connect({apiKey}, {instanceName: name});
  const schema = [{name: 'age', type: 'integer', filter_index: true}, {name: 'city', type: 'string'}];
  await raw(admin.Class.please().update({name: 'user_profile'}, {schema}));
  let eli;

  await check('a user is created with a profile', async () => {
    eli = await User.please().create({username: ' Eli ', password: ' leg ', profile: {age: 54, city: 'City 17', other_permissions: 'read'}});
    assert.equal(eli.username, 'Eli');
    assert.equal(eli.profile.age, 54);
    assert.equal(eli.profile.city, 'City 17');
    assert.equal(eli.profile.other_permissions, 'read');
    assert.equal(eli.profile.owner, eli.id);
    const session = client();
    assert.equal((await session.User.please().login({}, {username: 'Eli', password: 'leg'})).id, eli.id);
  });

  await check('a name is taken once, in any case, and free again after a deletion', async () => {
    await refused(400, User.please().create({username: 'eLI', password: 'x'}), {username: ['This field must be unique.']});
    const temporary = await User.please().create({username: 'Mossman', password: 'x'});
    await send(User.please().delete({id: temporary.id}));
    await refused(404, User.please().get({id: temporary.id}).request());
    const again = await User.please().create({username: 'mossman', password: 'x'});
    assert.notEqual(again.user_key, temporary.user_key);
    await again.delete();
  });

  await check('missing and wrong fields are named', async () => {
    const post = async (json) => (await http('POST', `${path}/users/`, {key: admin.getAccountKey(), json}));
    assert.deepEqual((await post({})).body, {username: ['This field is required.'], password: ['This field is required.']});
    assert.deepEqual((await post({username: '', password: null})).body, {username: ['This field may not be blank.'], password: ['This field may not be null.']});
    assert.deepEqual((await post({username: 'u'.repeat(65), password: 'x'})).body, {username: ['Ensure this field has no more than 64 characters.']});
    assert.deepEqual((await post({username: {}, password: 'x'})).body, {username: ['Not a valid string.']});
    const profile = await post({username: 'breen', password: 'x', profile: {group_permissions: 'everything'}});
    assert.equal(profile.status, 400);
    assert.deepEqual(profile.body, {profile: {group_permissions: ['"everything" is not a valid choice.']}});
    assert.equal((await post({username: 'breen', password: 'x', profile: {age: 'old'}})).status, 400);
    const number = await post({username: 12345, password: 67890});
    assert.equal(number.status, 201);
    assert.equal(number.body.username, '12345');
    await send(User.please().delete({id: number.body.id}));
  });

  await check('users are listed, paged, ordered and cut to fields', async () => {
    await User.please().bulkCreate(['Barney', 'Isaac', 'Judith'].map((username) => User({instanceName: name, username, password: 'x'})));
    const all = await raw(User.please().list());
    assert.deepEqual(all.objects.map((u) => u.username), ['Eli', 'Barney', 'Isaac', 'Judith']);
    assert.strictEqual(all.next, null);
    assert.strictEqual(all.prev, null);
    const page = await send(User.please().pageSize(3).list());
    assert.equal(page.length, 3);
    const next = await page.next();
    assert.deepEqual(next.map((u) => u.username), ['Judith']);
    assert.equal(next.hasNext(), false);
    assert.equal((await next.prev()).length, 3);
    const down = await send(User.please().ordering('desc').list());
    assert.deepEqual(down.map((u) => u.username), ['Judith', 'Isaac', 'Barney', 'Eli']);
    const some = await raw(User.please().fields(['id', 'username']).list());
    assert.deepEqual(Object.keys(some.objects[0]).sort(), ['id', 'username']);
    const without = await raw(User.please().excludedFields(['profile', 'groups']).list());
    assert.equal('profile' in without.objects[0], false);
    assert.equal(without.objects[0].username, 'Eli');
    const found = await http('GET', `${path}/users/?username__startswith=ju`, {key: admin.getAccountKey()});
    assert.deepEqual(found.body.objects.map((u) => u.username), ['Judith']);
    assert.equal((await User.please().first()).username, 'Eli');
  });

  await check('all pages are followed to a full last one', async () => {
    const all = await everything(User.please().all({}, {page_size: 2}));
    assert.deepEqual(all.map((u) => u.username), ['Eli', 'Barney', 'Isaac', 'Judith']);
  });

  await check('PATCH changes what it names and merges the profile', async () => {
    const changed = await raw(User.please().update({id: eli.id}, {username: 'Dr. Vance', profile: {city: 'White Forest'}}));
    assert.equal(changed.username, 'Dr. Vance');
    assert.equal(changed.profile.city, 'White Forest');
    assert.equal(changed.profile.age, 54);
    assert.equal(changed.profile.revision, 2);
    assert.equal(changed.user_key, eli.user_key);
  });

  await check('a read user is saved back with PUT', async () => {
    const user = await send(User.please().get({id: eli.id}));
    user.username = 'Eli Vance';
    user.password = 'leg';
    const saved = await user.save();
    assert.equal(saved.username, 'Eli Vance');
    assert.equal(saved.user_key, eli.user_key);
    assert.equal(saved.profile.age, 54);
    const answer = await http('PUT', `${path}/users/${eli.id}/`, {key: admin.getAccountKey(), json: {username: 'x'}});
    assert.deepEqual([answer.status, answer.body], [400, {password: ['This field is required.']}]);
  });

  await check('a key is reset', async () => {
    const old = eli.user_key;
    const reset = await raw(User.please().resetKey({id: eli.id}));
    assert.notEqual(reset.user_key, old);
    const model = await send(User.please().get({id: eli.id}));
    const again = await model.resetKey();
    assert.notEqual(again.user_key, reset.user_key);
    assert.equal((await http('GET', `${path}/user/`, {key: apiKey, userKey: reset.user_key})).status, 403);
    assert.equal((await http('GET', `${path}/user/`, {key: apiKey, userKey: again.user_key})).status, 200);
  });

  await check('a user sees and changes himself alone', async () => {
    const me = client();
    await me.User.please().login({}, {username: 'Eli Vance', password: 'leg'});
    const list = await raw(me.User.please().list());
    assert.deepEqual(ids(list.objects), [eli.id]);
    const mine = await raw(me.User.please().update({}, {profile: {age: 55}}));
    assert.equal(mine.profile.age, 55);
    const keys = {key: apiKey, userKey: me.getUserKey()};
    assert.equal((await http('GET', `${path}/users/${eli.id}/`, keys)).status, 200);
    assert.equal((await http('GET', `${path}/users/${eli.id + 2}/`, keys)).status, 404);
    assert.equal((await http('PATCH', `${path}/users/${eli.id + 2}/`, Object.assign({json: {username: 'x'}}, keys))).status, 404);
    assert.equal((await http('DELETE', `${path}/users/${eli.id}/`, keys)).status, 403);
    assert.equal((await http('DELETE', `${path}/user/`, keys)).status, 405);
  });

  await check('a user is his own from the moment he is deleted: nobody', async () => {
    const me = client();
    const user = await me.User.please().create({username: 'Odessa', password: 'rocket'});
    await me.User.please().login({}, {username: 'Odessa', password: 'rocket'});
    await admin.Class.please().create({name: 'rockets', schema: [{name: 'n', type: 'integer'}]});
    const rocket = await me.DataObject.please().create({className: 'rockets', n: 1});
    await send(User.please().delete({id: user.id}));
    await refused(403, me.User.please().get().request(), denied);
    await refused(401, client().User.please().login({}, {username: 'Odessa', password: 'rocket'}));
    await refused(404, admin.DataObject.please().get({className: 'user_profile', id: user.profile.id}).request());
    for (let tries = 0; ; tries++) { // objects of the user may go a moment later
      const answer = await http('GET', `${path}/classes/rockets/objects/${rocket.id}/`, {key: admin.getAccountKey()});
      if (answer.status === 404) break;
      assert.ok(tries < 50, 'the object of a deleted user stays');
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  });

  await check('the same name in another instance is another user', async () => {
    const other = await newInstance('users');
    const twin = await other.admin.User.please().create({username: 'Eli Vance', password: 'other'});
    assert.equal(twin.id, 1);
    const foreign = await newKey(other.admin);
    assert.equal((await http('GET', `/v1.1/instances/${other.name}/user/`, {key: foreign, userKey: (await raw(User.please().get({id: eli.id}))).user_key})).status, 403);
    await refused(401, client().User.please().login({}, {username: 'Eli Vance', password: 'other'}));
  });
});
