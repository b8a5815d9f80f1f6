'use strict';
// Instances: contracts/syncano.md 2.2, through `Instance` of the client.

const {assert, check, flow, connect, send, raw, refused, http, owner, guest, unique, newKey, denied, noSuchKey, notFound, timestamp} = require('./flow');

flow(async () => {
  const admin = connect({accountKey: owner.accountKey});
  const {Instance} = admin;
  let name = unique('aperture');

  await check('an instance is created', async () => {
    const answer = await Instance.please().create({name: name.toUpperCase(), description: 'Science', metadata: {floor: 1}});
    assert.equal(answer.name, name);
    assert.equal(answer.description, 'Science');
    assert.deepEqual(answer.metadata, {floor: 1});
    assert.equal(answer.owner.email, owner.email);
    assert.equal(answer.location, 'eu1');
    const {links} = answer;
    assert.deepEqual(Object.keys(links).sort(), ['admins', 'api_keys', 'backups', 'batch', 'channels', 'classes', 'endpoints',
      'groups', 'hosting', 'invitations', 'push_notification', 'rename', 'restores', 'schedules', 'self', 'snippets', 'triggers', 'users']);
    assert.equal(links.self, `/v1.1/instances/${name}/`);
    assert.equal(links.push_notification, `/v1.1/instances/${name}/push_notifications/`);
  });

  await check('it is listed and read', async () => {
    const list = await send(Instance.please().list());
    assert.ok(list.some((i) => i.name === name));
    assert.equal(list.hasNext(), false);
    assert.equal(list.hasPrev(), false);
    const one = await raw(Instance.please().get({name}));
    assert.deepEqual(Object.keys(one).sort(),
      ['created_at', 'description', 'links', 'location', 'metadata', 'name', 'owner', 'role', 'updated_at']);
    assert.equal(one.role, 'full');
    assert.match(one.created_at, timestamp);
    assert.equal((await raw(Instance.please().get({name: name.toUpperCase()}))).name, name);
  });

  await check('the older version shows its own links', async () => {
    const answer = await http('GET', `/v1/instances/${name}/`, {key: owner.accountKey});
    assert.equal(answer.status, 200);
    assert.equal(answer.body.links.self, `/v1/instances/${name}/`);
    assert.equal(answer.body.links.codeboxes, `/v1/instances/${name}/codeboxes/`);
    assert.equal('hosting' in answer.body.links, false);
  });

  await check('the first one is found', async () => {
    const first = await Instance.please().first();
    assert.equal(typeof first.name, 'string');
  });

  await check('its description and metadata change, its name does not', async () => {
    const changed = await raw(Instance.please().update({name}, {description: 'Enrichment', metadata: {floor: 2}, name: 'another-name'}));
    assert.equal(changed.description, 'Enrichment');
    assert.deepEqual(changed.metadata, {floor: 2});
    assert.equal(changed.name, name);
  });

  await check('a read instance is saved back', async () => {
    const instance = await send(Instance.please().get({name}));
    instance.description = 'Saved';
    const saved = await instance.save();
    assert.equal(saved.description, 'Saved');
  });

  await check('the configuration is stored', async () => {
    assert.deepEqual(await raw(Instance.please().getGlobalConfig({name})), {config: {}});
    const config = {cake: true, turrets: [1, 2, {name: 'oracle'}]};
    assert.deepEqual(await raw(Instance.please().setGlobalConfig({name}, config)), {config});
    assert.deepEqual(await raw(Instance.please().getGlobalConfig({name})), {config});
    const instance = await send(Instance.please().get({name}));
    assert.deepEqual(await instance.getGlobalConfig(), {config});
  });

  await check('an API key reads its own instance', async () => {
    const inside = connect({accountKey: owner.accountKey}, {instanceName: name});
    const apiKey = await newKey(inside);
    const client = connect({apiKey});
    assert.equal((await raw(client.Instance.please().get({name}))).role, 'api_key');
    const list = await raw(client.Instance.please().list());
    assert.deepEqual(list.objects.map((i) => i.name), [name]);
    await refused(403, client.Instance.please().update({name}, {description: 'mine'}).request(), denied);
    await refused(403, client.Instance.please().delete({name}).request(), denied);
    await refused(403, client.Instance.please().create({name: unique('blackmesa')}), denied);
  });

  await check('another account sees nothing of it', async () => {
    const stranger = connect({accountKey: guest.accountKey}, {instanceName: name});
    await refused(404, stranger.Instance.please().get({name}).request(), notFound);
    await refused(403, stranger.Class.please().list().request(), denied);
    const list = await raw(stranger.Instance.please().list());
    assert.equal(list.objects.some((i) => i.name === name), false);
    await refused(404, stranger.Class.please().list({instanceName: 'no-such-instance'}).request(), {detail: 'Instance was not found.'});
  });

  await check('names follow the rules', async () => {
    const wrong = {
      '1apertures': 'Value has to start with a letter.',
      'apertures-': 'Value has to end with a letter or a number.',
      'aper_tures': 'Enter a valid value consisting of letters, numbers, hyphens.',
      'aper--ture': 'Double hyphens are reserved.',
      'devcenter': 'Unable to use that value. Please choose a different one.',
    };
    for (const [bad, text] of Object.entries(wrong)) {
      const err = await refused(400, Instance.please().create({name: bad}));
      assert.ok(err.errors.name.includes(text), `${bad}: ${JSON.stringify(err.errors)}`);
    }
    const short = await http('POST', '/v1.1/instances/', {key: owner.accountKey, json: {name: 'abcd'}});
    assert.deepEqual([short.status, short.body], [400, {name: ['Ensure this field has at least 5 characters.']}]);
    const long = await http('POST', '/v1.1/instances/', {key: owner.accountKey, json: {name: 'a'.repeat(65)}});
    assert.deepEqual([long.status, long.body], [400, {name: ['Ensure this field has no more than 64 characters.']}]);
    await refused(400, Instance.please().create({name}), {name: ['This field must be unique.']});
  });

  await check('it is renamed, and the old name is gone', async () => {
    const renamed = unique('enrichment');
    const answer = await raw(Instance.please().rename({name}, {new_name: renamed}));
    assert.equal(answer.name, renamed);
    assert.equal(answer.links.self, `/v1.1/instances/${renamed}/`);
    await refused(404, Instance.please().get({name}).request());
    assert.equal((await raw(Instance.please().rename({name: renamed}, {new_name: renamed}))).name, renamed);
    const err = await refused(400, Instance.please().rename({name: renamed}, {new_name: 'x'}).request());
    assert.deepEqual(Object.keys(err.errors), ['new_name']);
    name = renamed;
  });

  await check('it is deleted, and its name and keys are free', async () => {
    const inside = connect({accountKey: owner.accountKey}, {instanceName: name});
    const apiKey = await newKey(inside);
    await send(Instance.please().delete({name}));
    await refused(404, Instance.please().get({name}).request());
    const again = await Instance.please().create({name});
    assert.equal(again.name, name);
    await refused(403, connect({apiKey}, {instanceName: name}).Group.please().list().request(), noSuchKey);
    await send(Instance.please().delete({name}));
  });

  await check('get or create, update or create', async () => {
    const other = unique('cavejohnson');
    const created = await Instance.please().getOrCreate({name: other}, {description: 'new'});
    assert.equal(created.description, 'new');
    const found = await Instance.please().getOrCreate({name: other}, {description: 'newer'});
    assert.equal(found.description, 'new');
    const updated = await Instance.please().updateOrCreate({name: other}, {description: 'newest'});
    assert.equal(updated.description, 'newest');
    await updated.delete();
  });
});
