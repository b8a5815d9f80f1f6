'use strict';
// Entities and connections: contracts/usergrid.md 12.1, 9, 10, 11.

const {assert, check, flow, uuidShape, asApp, asGuest, asUser, ask, made, signedUp, http, ok, refused, names, sorted} = require('./sdk');

flow(async () => {
  const client = asGuest(); // of a sandbox
  let rover;

  await check('createEntity of a new name', async () => {
    rover = await made(client, {
      type: 'dog', name: 'Rover', color: 'black', age: 3, weight: 4.5, good: true, tags: ['a', 1, null, {b: 2}], home: {city: 'Zürich', at: {floor: 2}},
    });
    assert.match(rover.get('uuid'), uuidShape);
    assert.equal(rover.get('created'), rover.get('modified'));
    assert.ok(Math.abs(Date.now() - rover.get('created')) < 60000);
    assert.equal(rover.get('metadata').path, `/dogs/${rover.get('uuid')}`);
    assert.equal(rover.get('type'), 'dogs'); // the client takes the answer's path
    const [found, answer] = await ask(client, 'getEntity', {type: 'dogs', uuid: rover.get('uuid')});
    const own = Object.assign({}, found.get());
    for (const word of ['uuid', 'created', 'modified', 'metadata']) delete own[word];
    assert.deepEqual(own, {
      type: 'dog', name: 'Rover', color: 'black', age: 3, weight: 4.5, good: true, tags: ['a', 1, null, {b: 2}], home: {city: 'Zürich', at: {floor: 2}},
    });
    assert.deepEqual([answer.action, answer.path, answer.count, answer.cursor], ['get', '/dogs', undefined, undefined]);
    assert.ok(answer.uri.toLowerCase().endsWith(`/${answer.organization}/${answer.applicationName}/dogs`.toLowerCase()), answer.uri);
  });

  await check('createEntity of a taken name gives what is there, unsaved', async () => {
    const again = await made(client, {type: 'dogs', name: 'rover', color: 'white'});
    assert.equal(again.get('uuid'), rover.get('uuid'));
    assert.equal(again.get('color'), 'black');
    await refused(400, 'duplicate_unique_property_exists', ask(client, 'request', {method: 'POST', endpoint: 'dogs', body: {name: 'ROVER'}}),
      'Entity "dog" requires that property named "name" be unique, value of ROVER exists');
  });

  await check('createEntity with getOnExist saves it', async () => {
    const before = rover.get('modified');
    // The client lets what it found win over what it was given, and saves that.
    const again = await made(client, {type: 'dogs', name: 'Rover', color: 'white', fresh: 1, getOnExist: true});
    assert.equal(again.get('uuid'), rover.get('uuid'));
    const [found] = await ask(client, 'getEntity', {type: 'dogs', name: 'Rover'});
    assert.deepEqual([found.get('color'), found.get('age'), found.get('fresh')], ['black', 3, 1]);
    assert.ok(found.get('modified') > before);
  });

  await check('createEntity without a name', async () => {
    const [one, two] = [await made(client, {type: 'leaf', n: 1}), await made(client, {type: 'leaf', n: 2})];
    assert.notEqual(one.get('uuid'), two.get('uuid'));
    assert.equal(one.get('type'), 'leaves');
    assert.equal((await ask(client, 'getEntity', {type: 'leaf', uuid: two.get('uuid')}))[0].get('n'), 2);
  });

  await check('getEntity by name, with any characters', async () => {
    const odd = await made(client, {type: 'dogs', name: "O'Brien & søn"});
    const [found] = await ask(client, 'getEntity', {type: 'dogs', name: "o'brien & SØN"});
    assert.equal(found.get('uuid'), odd.get('uuid'));
    const absent = '00000000-0000-1000-8000-000000000000';
    const answer = await refused(404, 'entity_not_found', ask(client, 'getEntity', {type: 'dogs', name: 'nobody'}), 'Cannot find entity with name: nobody');
    assert.equal(answer.exception, 'org.apache.usergrid.persistence.exceptions.EntityNotFoundException');
    await refused(404, 'entity_not_found', ask(client, 'getEntity', {type: 'dogs', uuid: absent}), `Cannot find entity associated with uuid: ${absent}`);
  });

  await check('save sends the changes', async () => {
    const before = rover.get('modified');
    rover.set({color: 'brown', home: {city: 'Bern'}});
    const [answer] = await ask(rover, 'save');
    assert.equal(answer.action, 'put');
    assert.ok(rover.get('modified') > before);
    const [found] = await ask(client, 'getEntity', {type: 'dogs', name: 'rover'});
    assert.deepEqual([found.get('color'), found.get('home'), found.get('created')], ['brown', {city: 'Bern'}, rover.get('created')]);
    const gone = await ok('PUT', '/dogs/rover', {json: {color: null, age: ''}});
    assert.deepEqual(['color' in gone.entities[0], 'age' in gone.entities[0], gone.entities[0].good], [false, false, true]);
  });

  await check('fetch reads again, and what is restored is the same', async () => {
    const copy = client.restoreEntity(rover.serialize());
    await ok('PUT', '/dogs/rover', {json: {trick: 'roll'}});
    await ask(copy, 'fetch');
    assert.deepEqual([copy.get('trick'), copy.get('uuid')], ['roll', rover.get('uuid')]);
  });

  await check('destroy', async () => {
    const doomed = await made(client, {type: 'dog', name: 'Laika'});
    const uuid = doomed.get('uuid');
    const [answer] = await ask(doomed, 'destroy');
    assert.deepEqual([answer.action, answer.entities[0].uuid, answer.entities[0].name], ['delete', uuid, 'Laika']);
    await refused(404, 'entity_not_found', ask(client, 'getEntity', {type: 'dogs', uuid}));
    const again = client.restoreEntity(JSON.stringify({type: 'dogs', uuid}));
    await refused(404, 'service_resource_not_found', ask(again, 'destroy'));
    await made(client, {type: 'dog', name: 'Laika'}); // the name is free
  });

  await check('connect, getConnections, disconnect', async () => {
    const [bone, ball] = [await made(client, {type: 'toy', name: 'bone'}), await made(client, {type: 'toy', name: 'ball'})];
    await ask(rover, 'connect', 'likes', bone);
    const [answer] = await ask(rover, 'connect', 'likes', ball);
    assert.deepEqual([answer.path, answer.entities[0].uuid], [`/dogs/${rover.get('uuid')}/likes`, ball.get('uuid')]);
    let [list, entities] = await ask(rover, 'getConnections', 'likes');
    assert.deepEqual(names(entities), ['ball', 'bone']); // the last first
    assert.equal(entities[0].metadata.path, `/dogs/${rover.get('uuid')}/likes/${ball.get('uuid')}`);
    assert.equal(entities[0].metadata.connecting.likes, `${entities[0].metadata.path}/connecting/likes`);
    assert.equal(list.path, `/dogs/${rover.get('uuid')}/likes`);
    assert.deepEqual(Object.keys(rover.likes).sort(), ['ball', 'bone']);
    await ask(rover, 'connect', 'likes', bone);
    [, entities] = await ask(rover, 'getConnections', 'likes');
    assert.deepEqual(names(entities), ['bone', 'ball']); // connected again, it is the last
    [, entities] = await ask(rover, 'getConnections', 'likes', {qs: {ql: "name = 'ball'"}});
    assert.deepEqual(names(entities), ['ball']);
    [, entities] = await ask(rover, 'getConnections', 'likes', {qs: {limit: 1}});
    assert.deepEqual(names(entities), ['bone']);
    const back = await ok('GET', `/toys/bone/connecting/likes`);
    assert.deepEqual(names(back.entities), ['Rover']);
    const [read] = await ask(client, 'getEntity', {type: 'dogs', name: 'rover'});
    assert.deepEqual(read.get('metadata').connections, {likes: `/dogs/${rover.get('uuid')}/likes`});
    await ask(rover, 'disconnect', 'likes', bone);
    [, entities] = await ask(rover, 'getConnections', 'likes');
    assert.deepEqual(names(entities), ['ball']);
    await refused(404, 'service_resource_not_found', ask(rover, 'disconnect', 'likes', bone));
    await ask(ball, 'destroy');
    [, entities] = await ask(rover, 'getConnections', 'likes');
    assert.deepEqual(entities, []);
  });

  await check('a user and an entity are connected', async () => {
    const user = await signedUp(client, 'walker');
    await ask(user, 'connect', 'walks', rover);
    const [, entities] = await ask(user, 'getConnections', 'walks');
    assert.deepEqual(names(entities), ['Rover']);
    await ask(rover, 'connect', 'obeys', user);
    const [, [obeyed]] = await ask(rover, 'getConnections', 'obeys');
    assert.deepEqual([obeyed.type, obeyed.username, obeyed.password], ['user', 'walker', undefined]);
  });

  await check('a batch leaves out what is taken', async () => {
    const [answer] = await ask(client, 'request', {method: 'POST', endpoint: 'toys', body: [{name: 'bone'}, {name: 'stick'}, {name: 'stick'}]});
    assert.deepEqual(names(answer.entities), ['stick']);
  });

  await check('delete by query, batch by batch', async () => {
    await ok('POST', '/leaves', {json: Array.from({length: 23}, (_, n) => ({n: n + 10, kind: n % 2 ? 'odd' : 'even'}))});
    const sizes = [];
    for (;;) {
      const [answer] = await ask(client, 'delete', {type: 'leaf', qs: {ql: "kind = 'odd'", limit: 5}});
      sizes.push(answer.entities.length);
      assert.ok(answer.entities.every((e) => e.kind === 'odd'));
      if (answer.entities.length < 5) break;
    }
    assert.deepEqual(sizes, [5, 5, 1]);
    const [all] = await ask(client, 'delete', {type: 'leaves', qs: {}}); // q=*: ten at a time
    assert.equal(all.entities.length, 10);
    const [rest] = await ask(client, 'delete', {type: 'leaves', qs: {limit: 1000}});
    assert.equal(rest.entities.length, 4);
    assert.equal((await ask(client, 'request', {endpoint: 'leaves'}))[0].count, 0);
    await refused(405, 'unsupported_service_operation', ask(client, 'request', {method: 'DELETE', endpoint: 'leaves'}));
  });

  await check('the data of an asset', async () => {
    await signedUp(asApp(), 'painter');
    const painter = await asUser('painter', 'secret');
    const [me] = (await ask(painter, 'getLoggedInUser')).slice(1);
    const asset = await made(painter, {type: 'asset', name: 'picture', path: '/pictures/1', owner: me.get('uuid')});
    const bytes = Buffer.from('\x89PNG\r\n\x1a\nsome bytes', 'latin1');
    const up = await http('POST', `/assets/${asset.get('uuid')}/data`, {body: bytes, headers: {'Content-Type': 'application/octet-stream'}, token: painter.getToken()});
    assert.equal(up.status, 200, JSON.stringify(up.body));
    const down = await fetch(painter.buildAssetURL(asset.get('uuid')));
    assert.deepEqual([down.status, down.headers.get('content-type')], [200, 'image/png']);
    assert.deepEqual(Buffer.from(await down.arrayBuffer()), bytes);
  });

  await check('events may have one name twice', async () => {
    const [one, two] = [await ok('POST', '/events', {json: {name: 'opened'}}), await ok('POST', '/events', {json: {name: 'opened'}})];
    assert.notEqual(one.entities[0].uuid, two.entities[0].uuid);
  });

  await check('unknown words of a query string come back', async () => {
    const [answer] = await ask(client, 'request', {endpoint: 'dogs', qs: {test1: 'x', limit: 2, token: 'secret'}});
    assert.deepEqual(answer.params, {test1: ['x'], limit: ['2']});
    assert.equal(answer.count, 2);
    const [none] = await ask(client, 'request', {endpoint: 'unheardof'});
    assert.deepEqual([none.entities, none.count, none.path, sorted(Object.keys(none.params))], [[], 0, '/unheardofs', []]);
  });
});
