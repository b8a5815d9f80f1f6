'use strict';
// API keys: contracts/syncano.md 2.3.

const {assert, check, flow, connect, send, raw, refused, http, newInstance, newKey, denied, noSuchKey, ids} = require('./flow');

flow(async () => {
  const {name, admin, path} = await newInstance('apikeys');
  const {ApiKey} = admin;
  const as = (apiKey) => connect({apiKey}, {instanceName: name});
  let key;

  await check('a key without a word holds nothing', async () => {
    const answer = await http('POST', `${path}/api_keys/`, {key: admin.getAccountKey(), json: {}});
    assert.equal(answer.status, 201);
    key = answer.body;
    assert.deepEqual(Object.keys(key).sort(), ['allow_anonymous_read', 'allow_group_create', 'allow_user_create', 'api_key',
      'created_at', 'description', 'id', 'ignore_acl', 'links']);
    assert.equal(key.description, '');
    for (const flag of ['ignore_acl', 'allow_user_create', 'allow_group_create', 'allow_anonymous_read']) assert.equal(key[flag], false);
  });

  await check('keys are created with flags, listed, read and paged', async () => {
    const created = await ApiKey.please().bulkCreate([
      ApiKey({instanceName: name, description: 'strong', ignore_acl: true}),
      ApiKey({instanceName: name, description: 'reader', allow_anonymous_read: true}),
    ]);
    assert.deepEqual(created.map((k) => [k.ignore_acl, k.allow_anonymous_read]), [[true, false], [false, true]]);
    const page = await send(ApiKey.please().pageSize(2).list());
    assert.equal(page.length, 2);
    assert.equal(page.hasNext(), true);
    assert.deepEqual(ids(await page.next()), [created[1].id]);
    const last = await send(ApiKey.please().ordering('desc').list());
    assert.equal(last[0].id, created[1].id);
    assert.equal((await raw(ApiKey.please().get({id: key.id}))).api_key, key.api_key);
    assert.equal((await ApiKey.please().first()).id, key.id);
  });

  await check('flags and description change', async () => {
    const changed = await raw(ApiKey.please().update({id: key.id}, {description: 'doors', allow_user_create: true}));
    assert.equal(changed.description, 'doors');
    assert.equal(changed.allow_user_create, true);
    assert.equal(changed.api_key, key.api_key);
    await as(key.api_key).User.please().create({username: 'barney', password: 'beer'});
    const saved = await send(ApiKey.please().get({id: key.id}));
    saved.allow_user_create = false;
    assert.equal((await saved.save()).allow_user_create, false);
    await refused(403, as(key.api_key).User.please().create({username: 'kleiner', password: 'lamarr'}), denied);
  });

  await check('a key sees itself alone and changes nothing', async () => {
    const list = await raw(as(key.api_key).ApiKey.please().list());
    assert.deepEqual(ids(list.objects), [key.id]);
    assert.equal((await raw(as(key.api_key).ApiKey.please().get({id: key.id}))).id, key.id);
    await refused(404, as(key.api_key).ApiKey.please().get({id: key.id + 1}).request());
    await refused(403, as(key.api_key).ApiKey.please().create({}), denied);
    await refused(403, as(key.api_key).ApiKey.please().update({id: key.id}, {ignore_acl: true}).request(), denied);
    await refused(403, as(key.api_key).ApiKey.please().reset({id: key.id}).request(), denied);
    await refused(403, as(key.api_key).ApiKey.please().delete({id: key.id}).request(), denied);
  });

  await check('each flag opens its own door', async () => {
    const plain = as(await newKey(admin));
    const groups = as(await newKey(admin, {allow_group_create: true}));
    await refused(403, plain.Group.please().create({label: 'x'}), denied);
    assert.equal((await groups.Group.please().create({label: 'resistance'})).label, 'resistance');

    await admin.Class.please().create({name: 'posters', schema: [{name: 'text', type: 'string'}]});
    const open = await admin.DataObject.please().create({className: 'posters', text: 'open', other_permissions: 'read'});
    const closed = await admin.DataObject.please().create({className: 'posters', text: 'closed'});
    const reader = as(await newKey(admin, {allow_anonymous_read: true}));
    const strong = as(await newKey(admin, {ignore_acl: true}));
    const list = (connection) => connection.DataObject.please().list({className: 'posters'});
    await refused(403, list(plain).request(), denied);
    assert.deepEqual(ids(await send(list(reader))), [open.id]);
    await refused(404, reader.DataObject.please().get({className: 'posters', id: closed.id}).request());
    await refused(403, reader.DataObject.please().create({className: 'posters', text: 'mine'}), denied);
    assert.deepEqual(ids(await send(list(strong))), [open.id, closed.id]);
    await strong.DataObject.please().create({className: 'posters', text: 'ours'});
    assert.equal((await send(strong.User.please().list())).length, 1);
    await refused(403, plain.User.please().list().request(), denied);
    await refused(403, strong.Class.please().create({name: 'walls'}), denied);
  });

  await check('a reset key is new, and the old one dies at once', async () => {
    const reset = await raw(ApiKey.please().reset({id: key.id}));
    assert.equal(reset.id, key.id);
    assert.match(reset.api_key, /^[0-9a-f]{39}[13579bdf]$/);
    assert.notEqual(reset.api_key, key.api_key);
    await refused(403, as(key.api_key).ApiKey.please().list().request(), noSuchKey);
    const model = await send(ApiKey.please().get({id: key.id}));
    const again = await model.reset();
    await refused(403, as(reset.api_key).ApiKey.please().list().request(), noSuchKey);
    assert.equal((await raw(as(again.api_key).ApiKey.please().list())).objects.length, 1);
    key = again;
  });

  await check('a deleted key is refused at once', async () => {
    await send(ApiKey.please().delete({id: key.id}));
    await refused(403, as(key.api_key).ApiKey.please().list().request(), noSuchKey);
    await refused(404, ApiKey.please().get({id: key.id}).request());
  });

  await check('a key opens no other instance', async () => {
    const other = await newInstance('apikeys');
    const foreign = await newKey(other.admin, {ignore_acl: true});
    await refused(403, as(foreign).User.please().list().request(), noSuchKey);
    const theirs = await raw(other.admin.ApiKey.please().list());
    await refused(404, ApiKey.please().get({id: theirs.objects[0].id}).request());
  });

  await check('wrong flags are named', async () => {
    const answer = await http('POST', `${path}/api_keys/`, {key: admin.getAccountKey(), json: {ignore_acl: 'perhaps', description: 'd'.repeat(257)}});
    assert.equal(answer.status, 400);
    assert.deepEqual(Object.keys(answer.body).sort(), ['description', 'ignore_acl']);
  });
});
