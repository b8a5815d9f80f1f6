'use strict';
// Connections: contracts/usergrid.md 12.2, 10. The SDK's suite compares the metadata links literally.

const {Client, User, assert, check, flow, ask, anonymous, entity, ok, http, refused, fields} = require('./sdk');

const {DIRECTION_IN, DIRECTION_OUT} = Client.Connections;

flow(async () => {
  const client = anonymous(); // of a sandbox
  const [one, two] = [await entity(client, 'POST', 'nodejs', {name: 'One'}), await entity(client, 'POST', 'nodejs', {name: 'Two'})];
  const out = async (from, relation) => (await ask(client, 'getConnections', DIRECTION_OUT, from, relation))[0];

  const ways = {
    foos: () => ask(client, 'connect', one, 'foos', two),
    bars: () => ask(client, 'connect', one, 'bars', two.uuid),
    bazzes: () => ask(client, 'connect', one.type, one.uuid, 'bazzes', two.uuid),
    quxes: () => ask(client, 'connect', one.type, one.name, 'quxes', two.type, two.name),
    quuxes: () => ask(client, 'connect', {entity: one, relationship: 'quuxes', to: two, method: 'POST'}),
    corges: () => ask(one, 'connect', client, 'corges', two),
    graults: () => ask(one, 'connect', client, 'graults', two.uuid),
    garplies: () => ask(one, 'connect', client, 'garplies', two.type, two.name),
  };
  for (const [relation, connect] of Object.entries(ways)) {
    await check(`connect: ${relation}`, async () => {
      const [answer] = await connect();
      assert.deepEqual([answer.body.path, answer.entity.uuid], [`/nodejs/${one.uuid}/${relation}`, two.uuid]);
      const list = await out(one, relation);
      assert.deepEqual(fields(list.entities, 'uuid'), [two.uuid]);
      assert.equal(list.first.metadata.connecting[relation], `/nodejs/${one.uuid}/${relation}/${two.uuid}/connecting/${relation}`);
      assert.equal(list.first.metadata.path, `/nodejs/${one.uuid}/${relation}/${two.uuid}`);
      const [back] = await ask(client, 'getConnections', DIRECTION_IN, two, relation);
      assert.equal(back.first.metadata.connections[relation], `/nodejs/${two.uuid}/connecting/${one.uuid}/${relation}`);
      assert.equal(back.first.metadata.path, `/nodejs/${two.uuid}/connecting/${one.uuid}`);
      assert.equal(back.body.path, `/nodejs/${two.uuid}/connecting`);
    });
  }

  await check('the methods of an entity ask the same', async () => {
    const [list] = await ask(one, 'getConnections', client, DIRECTION_OUT, 'foos');
    assert.deepEqual(fields(list.entities, 'uuid'), [two.uuid]);
    const [back] = await ask(two, 'getConnections', client, DIRECTION_IN, 'foos');
    assert.deepEqual(fields(back.entities, 'uuid'), [one.uuid]);
    const named = await ok('GET', `/nodej/one/foos`);
    assert.deepEqual(fields(named.entities, 'uuid'), [two.uuid]);
  });

  await check('a plain read lists the relations', async () => {
    const [from, to] = [await entity(client, 'GET', 'nodejs', one.uuid), await entity(client, 'GET', 'nodejs', two.uuid)];
    assert.deepEqual(Object.keys(from.metadata.connections).sort(), Object.keys(ways).sort());
    assert.equal(from.metadata.connections.foos, `/nodejs/${one.uuid}/foos`);
    assert.equal(to.metadata.connecting.foos, `/nodejs/${two.uuid}/connecting/foos`);
    const bare = (await ok('GET', `/nodejs/${one.uuid}?connections=none`)).entities[0];
    assert.equal(bare.metadata.connections, undefined);
  });

  await check('an entity may be connected to itself', async () => {
    await ask(client, 'connect', one, 'selves', one);
    assert.deepEqual(fields((await out(one, 'selves')).entities, 'uuid'), [one.uuid]);
    const [back] = await ask(client, 'getConnections', DIRECTION_IN, one, 'selves');
    assert.equal(back.first.metadata.connections.selves, `/nodejs/${one.uuid}/connecting/${one.uuid}/selves`);
    await ask(client, 'disconnect', one, 'selves', one);
    assert.deepEqual((await out(one, 'selves')).entities, []);
  });

  const ends = {
    foos: () => ask(client, 'disconnect', one, 'foos', two),
    bars: () => ask(client, 'disconnect', one, 'bars', two.uuid),
    bazzes: () => ask(client, 'disconnect', one.type, one.uuid, 'bazzes', two.uuid),
    quxes: () => ask(client, 'disconnect', one.type, one.name, 'quxes', two.type, two.name),
    quuxes: () => ask(client, 'disconnect', {entity: one, relationship: 'quuxes', from: two, method: 'DELETE'}),
    corges: () => ask(one, 'disconnect', client, 'corges', two),
    graults: () => ask(one, 'disconnect', client, 'graults', two.uuid),
    garplies: () => ask(one, 'disconnect', client, 'garplies', two.type, two.name),
  };
  for (const [relation, disconnect] of Object.entries(ends)) {
    await check(`disconnect: ${relation}`, async () => {
      const [answer] = await disconnect();
      assert.equal(answer.entity.uuid, two.uuid);
      assert.deepEqual((await out(one, relation)).entities, []);
      await refused(404, 'service_resource_not_found', disconnect());
    });
  }

  await check('a body makes the target', async () => {
    const made = (await ok('POST', '/nodejs/one/eats/apples', {json: {name: 'golden'}})).entities[0];
    assert.deepEqual([made.type, made.name], ['apple', 'golden']);
    assert.equal((await ok('GET', '/apples/golden')).entities[0].uuid, made.uuid);
    await ok('POST', '/nodejs/one/eats/pears', {json: {name: 'green'}});
    assert.deepEqual(fields((await ok('GET', '/nodejs/one/eats')).entities, 'name'), ['green', 'golden']);
    assert.deepEqual(fields((await ok('GET', '/nodejs/one/eats/apples')).entities, 'name'), ['golden']);
  });

  await check('pages of connections', async () => {
    for (let n = 0; n < 5; n++) await ok('POST', '/nodejs/one/counts/numbers', {json: {name: `n${n}`}});
    const page = await ok('GET', '/nodejs/one/counts?limit=3');
    assert.deepEqual(fields(page.entities, 'name'), ['n4', 'n3', 'n2']);
    const next = await ok('GET', `/nodejs/one/counts?limit=3&cursor=${page.cursor}`);
    assert.deepEqual([fields(next.entities, 'name'), next.cursor], [['n1', 'n0'], undefined]);
  });

  await check('what is deleted is connected to nothing', async () => {
    await ask(client, 'connect', one, 'foos', two);
    await ask(two, 'remove', client);
    assert.deepEqual((await out(one, 'foos')).entities, []);
    await refused(404, 'service_resource_not_found', ask(client, 'connect', one, 'foos', two.uuid));
    const [, user] = await ask(new User({username: 'connected', password: 'secret'}), 'create', client);
    await ask(client, 'connect', user, 'likes', one);
    assert.deepEqual(fields((await out(user, 'likes')).entities, 'name'), ['One']);
    assert.equal((await http('GET', '/nodejs/nobody/foos')).status, 404);
  });
});
