'use strict';
// Activities, feeds, followers and devices: contracts/usergrid.md 12.1, 7.2.

const {assert, check, flow, uuidShape, asGuest, asUser, ask, ok, http, refused, signedUp} = require('./sdk');

flow(async () => {
  const client = asGuest(); // of a sandbox
  const ann = await signedUp(client, 'ann');
  const ben = await signedUp(client, 'ben');
  const feed = async (user) => (await ask(client, 'getFeedForUser', user))[1].map((a) => a.content);

  await check('following', async () => {
    await ask(ben, 'connect', 'following', ann);
    await ask(ben, 'getFollowing');
    assert.deepEqual(ben.following.map((u) => u.username), ['ann']);
    await ask(ann, 'getFollowers');
    assert.deepEqual(ann.followers.map((u) => u.username), ['ben']);
    await ask(ann, 'getFollowing');
    assert.deepEqual(ann.following, []);
  });

  await check('createUserActivity', async () => {
    const [activity] = await ask(client, 'createUserActivity', 'ann', {actor: {displayName: 'Ann'}, verb: 'post', content: 'first'});
    assert.match(activity.get('uuid'), uuidShape);
    assert.deepEqual([activity.get('verb'), activity.get('content')], ['post', 'first']);
    assert.equal(activity.get('actor').uuid, ann.get('uuid'));
    await ask(client, 'createUserActivityWithEntity', ann, 'second');
    await ask(ann, 'getActivities');
    assert.deepEqual(ann.activities.map((a) => a.content), ['second', 'first']);
    assert.equal(ann.activities[0].actor.email, 'ann@example.com');
    await refused(400, 'required_property_not_found', ask(client, 'request', {method: 'POST', endpoint: 'users/ann/activities', body: {content: 'x', actor: {}}}));
  });

  await check('feeds', async () => {
    assert.deepEqual(await feed('ann'), ['second', 'first']);
    assert.deepEqual(await feed('ben'), ['second', 'first']);
    await ask(client, 'createUserActivity', 'ben', {actor: {displayName: 'Ben'}, verb: 'post', content: 'third'});
    assert.deepEqual(await feed('ben'), ['third', 'second', 'first']);
    assert.deepEqual(await feed('ann'), ['second', 'first']);
    await ask(ben, 'disconnect', 'following', ann);
    await ask(client, 'createUserActivity', 'ann', {actor: {displayName: 'Ann'}, verb: 'post', content: 'fourth'});
    assert.ok(!(await feed('ben')).includes('fourth'));
  });

  await check('a group\'s feed', async () => {
    const [group] = await ask(client, 'createGroup', {path: 'friends'});
    await ask(group, 'add', {user: ann});
    const [activity] = await ask(group, 'createGroupActivity', {user: ann, content: 'to all'});
    assert.match(activity.get('uuid'), uuidShape);
    const [, entries] = await ask(group, 'feed');
    assert.deepEqual(entries.map((a) => a.content), ['to all']);
  });

  await check('devices of a user', async () => {
    const token = (await asUser('ann', 'secret')).getToken();
    const device = (await ok('POST', '/devices', {json: {name: 'phone-1'}})).entities[0];
    assert.deepEqual([device.type, device.name], ['device', 'phone-1']);
    await ok('POST', `/users/me/devices/${device.uuid}`, {json: {}, token});
    assert.deepEqual((await ok('GET', '/users/ann/devices')).entities.map((d) => d.name), ['phone-1']);
    const twice = await http('POST', '/devices', {json: {name: 'PHONE-1'}});
    assert.deepEqual([twice.status, twice.body.error], [400, 'duplicate_unique_property_exists']);
    const own = '10000000-0000-1000-8000-000000000001';
    assert.equal((await ok('PUT', `/devices/${own}`, {json: {name: 'phone-2'}})).entities[0].uuid, own);
  });
});
