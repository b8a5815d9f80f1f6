'use strict';
// Entities: contracts/usergrid.md 12.2, 9. The collection is the one of the SDK's own suite: "nodejs", whose type is "nodej".

const {Entity, Query, assert, check, flow, uuidShape, ask, anonymous, entity, http, ok, refused, fields, sorted} = require('./sdk');

const type = 'nodejs';

flow(async () => {
  const client = anonymous(); // of a sandbox
  let book;

  await check('POST in all its forms', async () => {
    const dish = {restaurant: "Dino's Deep Dish", cuisine: 'pizza'};
    book = await entity(client, 'POST', type, {name: 'holmes', author: 'Sir Arthur Conan Doyle', color: 'black'});
    assert.match(book.uuid, uuidShape);
    assert.deepEqual([book.type, book.author, book.metadata.path], ['nodej', 'Sir Arthur Conan Doyle', `/nodejs/${book.uuid}`]);
    for (const args of [[new Entity(Object.assign({type}, dish))], [type, dish], [Object.assign({type}, dish)], [{type, body: dish, method: 'POST'}]]) {
      const made = await entity(client, 'POST', ...args);
      assert.deepEqual([made.restaurant, made.cuisine, made.type], [dish.restaurant, dish.cuisine, 'nodej']);
      assert.equal(made.created, made.modified);
    }
    // The SDK flattens its arguments, so that of an array only the last element is sent.
    const last = await entity(client, 'POST', type, [{restaurant: 'first'}, {restaurant: 'Chipotle', cuisine: 'mexican'}]);
    assert.equal(last.restaurant, 'Chipotle');
    const nameless = new Entity({type, name: 'unique name'});
    assert.equal((await entity(client, 'POST', nameless)).name, 'unique name');
    await refused(400, 'duplicate_unique_property_exists', ask(client, 'POST', nameless),
      'Entity "nodej" requires that property named "name" be unique, value of unique name exists');
  });

  await check('GET by id and by name, in the singular too', async () => {
    for (const args of [[type, book.uuid], [type, 'holmes'], ['nodej', book.uuid], ['nodej', 'HOLMES'], [{type, uuid: book.uuid, method: 'GET'}]]) {
      const found = await entity(client, 'GET', ...args);
      assert.deepEqual([found.uuid, found.author], [book.uuid, book.author]);
    }
    const [response] = await ask(client, 'GET', type, 'holmes');
    assert.deepEqual([response.body.action, response.body.path, response.body.count], ['get', '/nodejs', undefined]);
    assert.throws(() => { response.metadata.uri = 'x'; });
    const answer = await refused(404, 'entity_not_found', ask(client, 'GET', type, 'BADNAMEORUUID'), 'Cannot find entity with name: BADNAMEORUUID');
    assert.ok(answer.exception && answer.timestamp);
  });

  await check('PUT in all its forms', async () => {
    let changed = await entity(client, 'PUT', type, book.uuid, {narrator: 'Peter Doyle'});
    assert.deepEqual([changed.uuid, changed.narrator, changed.author], [book.uuid, 'Peter Doyle', book.author]);
    assert.ok(changed.modified > book.modified);
    const made = await entity(client, 'PUT', new Entity({type, author: 'Frank Mills'})); // no id: a new one
    assert.match(made.uuid, uuidShape);
    assert.deepEqual([made.author, made.created], ['Frank Mills', made.modified]);
    const publisher = {name: 'George Newns', date: '14 October 1892', country: 'United Kingdom'};
    changed = await entity(client, 'PUT', Object.assign(changed, {publisher})); // the whole entity, metadata too
    assert.deepEqual([changed.publisher, changed.type, changed.created], [publisher, 'nodej', book.created]);
    assert.equal((await entity(client, 'PUT', type, {uuid: book.uuid, one: true})).one, true);
    changed = await entity(client, 'PUT', type, {type, uuid: book.uuid, two: true, created: 1, modified: 1, metadata: {path: '/x'}});
    assert.deepEqual([changed.two, changed.created, changed.metadata.path, changed.type], [true, book.created, `/nodejs/${book.uuid}`, 'nodej']);
    changed = await entity(client, 'PUT', {uuidOrName: book.uuid, type, body: {three: [{a: null}]}, method: 'PUT'});
    assert.deepEqual(changed.three, [{a: null}]);
    const fresh = '20000000-0000-1000-8000-000000000002';
    assert.equal((await entity(client, 'PUT', type, fresh, {author: 'by id'})).uuid, fresh);
    assert.equal((await ok('PUT', '/nodejs/byname', {json: {author: 'by name'}})).entities[0].name, 'byname');
  });

  await check('PUT by query, as many as the limit says', async () => {
    const [response] = await ask(client, 'PUT', new Query(type).eq('cuisine', 'pizza').limit(2), {mark: 'm1'});
    assert.deepEqual(fields(response.entities, 'mark'), ['m1', 'm1']);
    assert.equal((await ask(client, 'GET', new Query(type).eq('mark', 'm1')))[0].entities.length, 2);
    await refused(404, 'service_resource_not_found', ask(client, 'PUT', new Query(type).eq('cuisine', 'none'), {mark: 'm2'}));
  });

  await check('reload, save, remove', async () => {
    const one = await entity(client, 'GET', type, book.uuid);
    await ok('PUT', `/nodejs/${book.uuid}`, {json: {reloaded: 1}});
    await ask(one, 'reload', client);
    assert.equal(one.reloaded, 1);
    one.putProperties({saved: 2, list: ['b']});
    one.prepend('list', 'a');
    one.removeProperty('narrator');
    await ask(one, 'save', client);
    const again = await entity(client, 'GET', type, book.uuid);
    assert.deepEqual([again.saved, again.list, again.narrator], [2, ['a', 'b'], 'Peter Doyle']); // what a PUT leaves out, it keeps
    const doomed = await entity(client, 'POST', type, {removed: 'soon'});
    const [response] = await ask(doomed, 'remove', client);
    assert.deepEqual([response.entity.uuid, response.body.action], [doomed.uuid, 'delete']);
    await refused(404, 'entity_not_found', ask(client, 'GET', type, doomed.uuid), `Cannot find entity associated with uuid: ${doomed.uuid}`);
    await refused(404, 'service_resource_not_found', ask(client, 'DELETE', type, doomed.uuid));
  });

  await check('an entity may call with a proof of its own', async () => {
    const one = await entity(client, 'GET', type, book.uuid);
    await refused(401, 'auth_bad_access_token', ask(one.usingAuth('BADTOKEN'), 'reload', client)).catch((err) => {
      if (!/Cannot read|undefined/.test(err.message)) throw err; // the SDK may stumble over its own entity
    });
    await ask(one, 'reload', client);
  });

  await check('pages', async () => {
    await ok('POST', '/pages', {json: Array.from({length: 23}, (_, n) => ({n}))});
    for (const query of [new Query('pages').limit(10).asc('n'), new Query('pages').limit(10), new Query('pages').fromString('select * where n >= 0 order by n desc').limit(10)]) {
      let [page] = await ask(client, 'GET', query);
      const seen = fields(page.entities, 'n');
      const sizes = [seen.length];
      while (page.hasNextPage) {
        [page] = await ask(page, 'loadNextPage', client);
        seen.push(...fields(page.entities, 'n'));
        sizes.push(page.entities.length);
      }
      assert.deepEqual(sizes, [10, 10, 3]);
      const up = [...seen].sort((a, b) => a - b);
      assert.deepEqual(up, Array.from({length: 23}, (_, n) => n));
      assert.ok(JSON.stringify(seen) === JSON.stringify(up) || JSON.stringify(seen) === JSON.stringify(up.reverse()), `${seen}`);
    }
    const [page] = await ask(client, 'GET', 'pages');
    assert.deepEqual([page.entities.length, page.body.count, page.hasNextPage], [10, 10, true]);
    assert.equal((await ask(client, 'GET', new Query('pages').limit(23)))[0].hasNextPage, false);
    const bad = await http('GET', '/pages?cursor=nonsense');
    assert.equal(bad.status, 400, JSON.stringify(bad.body));
  });

  await check('queries that the SDK builds', async () => {
    await ok('POST', '/places', {json: [
      {name: 'a', n: 1, word: 'red apple', ok: true, location: {latitude: 37.3, longitude: -121.9}},
      {name: 'b', n: 2, word: 'green apple', ok: false, location: {latitude: 37.4, longitude: -121.8}},
      {name: 'c', n: 3, word: 'pear', location: {latitude: 10, longitude: 10}},
    ]});
    for (const [query, want] of [
      [new Query('places').gt('n', 1), 'bc'], [new Query('places').gte('n', 3), 'c'], [new Query('places').lt('n', 2), 'a'], [new Query('places').lte('n', 2), 'ab'],
      [new Query('places').eq('n', 1).or.eq('n', 3), 'ac'], [new Query('places').eq('n', 1).eq('word', 'pear'), ''],
      [new Query('places').contains('word', 'apple'), 'ab'], [new Query('places').contains('word', 'app*'), 'ab'],
      [new Query('places').not.eq('ok', true), 'bc'], [new Query('places').eq('ok', false), 'b'],
      [new Query('places').locationWithin(50000, 37.3, -121.9), 'ab'], [new Query('places').locationWithin(1000, 37.3, -121.9), 'a'],
      [new Query('places').eq('uuid', (await ok('GET', '/places/b')).entities[0].uuid), 'b'],
    ]) {
      const [response] = await ask(client, 'GET', query);
      assert.equal(sorted(fields(response.entities, 'name')).join(''), want, query._ql);
    }
    assert.deepEqual(fields((await ask(client, 'GET', new Query('places').desc('n')))[0].entities, 'name'), ['c', 'b', 'a']);
    await refused(400, 'query_token', ask(client, 'GET', new Query('places').fromString('name = "a"')));
    await refused(400, 'query_parse', ask(client, 'GET', new Query('places').fromString('name =')));
  });

  await check('DELETE by query', async () => {
    const [response] = await ask(client, 'DELETE', new Query('places').gt('n', 1));
    assert.deepEqual(sorted(fields(response.entities, 'name')), ['b', 'c']);
    assert.deepEqual(fields((await ask(client, 'GET', 'places'))[0].entities, 'name'), ['a']);
    const bare = await http('DELETE', '/places/');
    assert.deepEqual([bare.status, bare.body.error], [405, 'unsupported_service_operation']);
  });

  await check('a path with a query string', async () => {
    const [response] = await ask(client, 'GET', 'nodejs/', {limit: '1', test1: 'x'});
    assert.deepEqual([response.body.params, response.entities.length], [{limit: ['1'], test1: ['x']}, 1]);
  });
});
