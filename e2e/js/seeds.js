'use strict';
// The flows of the three seed documents, in their order: contracts/syncano.md section 5, points 1 to 8, 10 and 11.

const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const {assert, Syncano, check, flow, connect, send, raw, refused, http, download, newInstance, newKey, denied, timestamp} = require('./flow');

flow(async () => {
  const {name, admin, path: base} = await newInstance('seeds');
  const {ApiKey, User, Class, DataObject} = admin;
  let client; // a connection with the API key that may create users
  let apiKey;
  let gordon; // the raw user object
  let me; // a connection as Gordon

  await check('1 an account key creates an API key that may create users', async () => {
    const key = await ApiKey.please().create({allow_user_create: true});
    assert.match(key.api_key, /^[0-9a-f]{39}[13579bdf]$/);
    assert.equal(typeof key.id, 'number');
    assert.equal(key.allow_user_create, true);
    assert.equal(key.ignore_acl, false);
    assert.equal(key.allow_anonymous_read, false);
    assert.equal(key.links.self, `${base}/api_keys/${key.id}/`);
    assert.equal(key.links.reset_key, `${base}/api_keys/${key.id}/reset_key/`);
    apiKey = key.api_key;
    client = connect({apiKey}, {instanceName: name});
  });

  await check('2 the API key alone creates a user with a profile', async () => {
    const user = await client.User.please().create({username: 'Gordon Freeman', password: 'Black Mesa'});
    gordon = {id: user.id, user_key: user.user_key, profile: user.profile};
    assert.equal(user.username, 'Gordon Freeman');
    assert.match(user.user_key, /^[0-9a-f]{39}[02468ace]$/);
    assert.equal(user.password === 'Black Mesa' || user.password === undefined, true);
    assert.equal(user.links.self, `${base}/users/${user.id}/`);
    assert.equal(user.links['reset-key'], `${base}/users/${user.id}/reset_key/`);
    assert.equal(user.links.groups, `${base}/users/${user.id}/groups/`);
    assert.equal(user.links.profile, `${base}/classes/user_profile/objects/${user.profile.id}/`);
    assert.deepEqual(user.groups, []);
    const {profile} = user;
    assert.equal(profile.owner, user.id);
    assert.equal(profile.owner_permissions, 'full');
    assert.equal(profile.group, null);
    assert.equal(profile.group_permissions, 'none');
    assert.equal(profile.other_permissions, 'none');
    assert.equal(profile.channel, null);
    assert.equal(profile.channel_room, null);
    assert.equal(profile.revision, 1);
    assert.match(profile.created_at, timestamp);
    assert.match(profile.updated_at, timestamp);
    assert.equal(profile.links.owner, `${base}/users/${user.id}/`);
    assert.equal(profile.links.self, `${base}/classes/user_profile/objects/${profile.id}/`);
  });

  await check('2 an account key creates a user too', async () => {
    const user = await User.please().create({username: 'Alyx Vance', password: 'D0g'});
    assert.equal(user.username, 'Alyx Vance');
  });

  await check('2 an API key without the flag creates no user', async () => {
    const plain = connect({apiKey: await newKey(admin)}, {instanceName: name});
    await refused(403, plain.User.please().create({username: 'G-Man', password: 'x'}), denied);
  });

  await check('3 the class user_profile exists and cannot be deleted', async () => {
    const profiles = await send(Class.please().get({name: 'user_profile'}));
    assert.deepEqual(profiles.schema, []);
    assert.equal(profiles.objects_count, 2);
    await refused(403, Class.please().delete({name: 'user_profile'}).request(), denied);
  });

  await check('3 profiles cannot be created, deleted or given to another user by hand', async () => {
    const className = 'user_profile';
    await refused(403, DataObject.please().create({className, owner: gordon.id}), denied);
    await refused(403, DataObject.please().delete({className, id: gordon.profile.id}).request(), denied);
    await refused(400, DataObject.please().update({className, id: gordon.profile.id}, {owner: gordon.id + 1}).request(),
      {owner: ['Cannot change owner of User Profile object.']});
  });

  await check('4 a form PATCH gives the profile a field, and every user shows it', async () => {
    const form = new URLSearchParams({schema: '[{"name":"avatar","type":"file"}]'});
    const answer = await http('PATCH', `${base}/classes/user_profile/`, {key: admin.getAccountKey(), form});
    assert.equal(answer.status, 200);
    assert.deepEqual(answer.body.schema, [{name: 'avatar', type: 'file'}]);
    const users = await raw(User.please().list());
    assert.equal(users.objects.length, 2);
    for (const user of users.objects) assert.equal(user.profile.avatar, null);
  });

  await check('6 a login gives the user with the same key every time', async () => {
    const session = connect({apiKey}, {instanceName: name});
    const first = await session.User.please().login({}, {username: 'Gordon Freeman', password: 'Black Mesa'});
    assert.equal(first.user_key, gordon.user_key);
    assert.equal(session.getUserKey(), gordon.user_key);
    const second = await session.User.please().login({}, {username: 'gordon freeman', password: 'Black Mesa'});
    assert.equal(second.user_key, gordon.user_key);
    assert.equal(second.username, 'Gordon Freeman');
    me = session;
  });

  await check('6 the sample with email in place of username logs in', async () => {
    const session = connect({apiKey}, {instanceName: name});
    const user = await session.User.please().login({}, {email: 'Gordon Freeman', password: 'Black Mesa'});
    assert.equal(user.user_key, gordon.user_key);
  });

  await check('6 a wrong password, its other case, and an unknown name are refused alike', async () => {
    const attempts = [['Gordon Freeman', 'Xen'], ['Gordon Freeman', 'Black mesa'], ['Nobody', 'Black Mesa']];
    for (const [username, password] of attempts) {
      const err = await refused(401, client.User.please().login({}, {username, password}));
      assert.equal(err.errors.detail, 'Invalid username or password.');
    }
  });

  await check('5 the user uploads an avatar to his profile', async () => {
    const bytes = Buffer.from('PNG of a crowbar');
    const file = path.join(fs.mkdtempSync(path.join(os.tmpdir(), 'seeds-')), 'Crowbar.PNG');
    fs.writeFileSync(file, bytes);
    const answer = await raw(me.DataObject.please().update({className: 'user_profile', id: gordon.profile.id}, {avatar: Syncano.file(file)}));
    assert.equal(answer.avatar.type, 'file');
    assert.match(answer.avatar.value, /^https?:\/\/.*\/[0-9a-f]{40}\.png$/);
    assert.ok(answer.revision > gordon.profile.revision, `revision ${answer.revision}`);
    assert.ok(answer.updated_at > gordon.profile.updated_at);
    const got = await download(answer.avatar.value);
    assert.equal(got.status, 200);
    assert.deepEqual(got.bytes, bytes);
    const user = await raw(User.please().get({id: gordon.id}));
    assert.deepEqual(user.profile.avatar, answer.avatar);
  });

  await check('7 an object created by a user belongs to him', async () => {
    await Class.please().create({name: 'quotes', schema: [{name: 'text', type: 'string'}]});
    const quote = await me.DataObject.please().create({className: 'quotes', text: 'Wake up', owner: gordon.id + 1});
    assert.equal(quote.owner, gordon.id);
    assert.equal(quote.text, 'Wake up');
    assert.equal(quote.links.owner, `${base}/users/${gordon.id}/`);
  });

  await check('8 the user reads and changes himself with API key and user key', async () => {
    const user = await raw(me.User.please().get());
    assert.equal(user.id, gordon.id);
    assert.equal(user.user_key, gordon.user_key);
    const changed = await raw(me.User.please().update({}, {username: 'Dr. Freeman'}));
    assert.equal(changed.username, 'Dr. Freeman');
    assert.equal(changed.user_key, gordon.user_key);
    await raw(me.User.please().update({}, {username: 'Gordon Freeman'}));
  });

  await check('8 the current user needs an API key beside the user key', async () => {
    const attempts = [{key: admin.getAccountKey()}, {key: admin.getAccountKey(), userKey: gordon.user_key}, {key: apiKey}, {userKey: gordon.user_key}, {}];
    for (const keys of attempts) {
      const answer = await http('GET', `${base}/user/`, keys);
      assert.equal(answer.status, 403, JSON.stringify(keys));
      assert.deepEqual(answer.body, denied);
    }
  });

  await check('10 the key is reset by the account, an ignore_acl key, and the user himself', async () => {
    const strong = connect({apiKey: await newKey(admin, {ignore_acl: true})}, {instanceName: name});
    let old = gordon.user_key;
    for (const connection of [admin, strong, me]) {
      if (connection === me) connection.setUserKey(old);
      const user = await raw(connection.User.please().resetKey({id: gordon.id}));
      assert.equal(user.id, gordon.id);
      assert.match(user.user_key, /^[0-9a-f]{40}$/);
      assert.notEqual(user.user_key, old);
      assert.equal((await http('GET', `${base}/user/`, {key: apiKey, userKey: old})).status, 403);
      assert.equal((await http('GET', `${base}/user/`, {key: apiKey, userKey: user.user_key})).status, 200);
      old = user.user_key;
    }
    me.setUserKey(old);
  });

  await check('10 a plain API key resets nobody, a user nobody else', async () => {
    await refused(403, client.User.please().resetKey({id: gordon.id}).request(), denied);
    await refused(404, me.User.please().resetKey({id: gordon.id + 1}).request());
  });

  await check('11 a changed password ends the user key, and the answer holds the new one', async () => {
    const old = me.getUserKey();
    const user = await raw(me.User.please().update({}, {password: 'Black Mesa East'}));
    assert.match(user.user_key, /^[0-9a-f]{40}$/);
    assert.notEqual(user.user_key, old);
    await refused(403, me.User.please().get().request(), denied);
    const again = await me.User.please().login({}, {username: 'Gordon Freeman', password: 'Black Mesa East'});
    assert.equal(again.user_key, user.user_key);
  });

  await check('11 the same password sent again ends nothing', async () => {
    const before = me.getUserKey();
    const answer = await http('PUT', `${base}/users/${gordon.id}/`, {
      key: admin.getAccountKey(), json: {username: 'Gordon Freeman', password: 'Black Mesa East'},
    });
    assert.equal(answer.status, 200);
    assert.equal(answer.body.user_key, before);
    assert.equal((await raw(me.User.please().get())).id, gordon.id);
  });
});
