'use strict';
// Collections, their pages and their queries: contracts/usergrid.md 12.1, 9.1, 9.2.

const {assert, check, flow, Usergrid, asGuest, ask, made, http, ok, refused, names} = require('./sdk');

flow(async () => {
  const client = asGuest();
  const open = async (qs, type = 'things') => (await ask(client, 'createCollection', {type, qs}))[0];
  const numbers = (collection) => {
    const found = [];
    collection.resetEntityPointer();
    while (collection.hasNextEntity()) found.push(collection.getNextEntity().get('n'));
    return found;
  };
  const range = (from, to) => Array.from({length: Math.abs(to - from) + 1}, (_, i) => from + (to > from ? i : -i));

  await ok('POST', '/things', {json: Array.from({length: 20}, (_, n) => ({name: `thing ${n}`, n}))});

  await check('pages forth and back', async () => {
    for (const [ql, all] of [['order by n', range(0, 19)], [undefined, range(19, 0)], ['order by n desc', range(19, 0)], ['select * where n >= 5 order by n', range(5, 19)]]) {
      const collection = await open(Object.assign({limit: 8}, ql && {ql}));
      const pages = [numbers(collection)];
      while (collection.hasNextPage()) {
        await ask(collection, 'getNextPage');
        pages.push(numbers(collection));
      }
      assert.deepEqual(pages.flat(), all, ql);
      assert.equal(pages[0].length, 8);
      assert.ok(collection.hasPreviousPage());
      await ask(collection, 'getPreviousPage');
      assert.deepEqual(numbers(collection), pages.at(-2));
    }
  });

  await check('no cursor where nothing follows', async () => {
    const collection = await open({limit: 10, ql: 'order by n'});
    assert.ok(collection.hasNextPage());
    await ask(collection, 'getNextPage');
    assert.deepEqual(numbers(collection), range(10, 19));
    assert.ok(!collection.hasNextPage());
    assert.ok(!(await open({limit: 20})).hasNextPage());
    assert.equal(numbers(await open({})).length, 10); // the default
    assert.equal(numbers(await open({limit: 5000})).length, 20);
  });

  await check('what is added meanwhile does not shift the pages', async () => {
    const collection = await open({limit: 10});
    await made(client, {type: 'things', name: 'late', n: 100});
    await ask(collection, 'getNextPage');
    assert.deepEqual(numbers(collection), range(9, 0));
    await ask(client, 'delete', {type: 'things', qs: {ql: 'n = 100'}});
  });

  await check('addEntity, destroyEntity, getEntityByUUID', async () => {
    const collection = await open({ql: 'order by n desc', limit: 3});
    const [added] = await ask(collection, 'addEntity', {name: 'new', n: 50});
    assert.equal(collection.getLastEntity().get('uuid'), added.get('uuid'));
    await ask(collection, 'fetch');
    assert.deepEqual(numbers(collection), [50, 19, 18]);
    assert.equal(collection.getFirstEntity().get('type'), 'things');
    await ask(collection, 'destroyEntity', added);
    assert.deepEqual(numbers(collection), [19, 18, 17]);
    const other = (await ok('GET', '/things?ql=n%20%3D%203')).entities[0];
    const [, found] = await new Promise((resolve, reject) => collection.getEntityByUUID(other.uuid, (err, ...v) => (err ? reject(err) : resolve(v))));
    assert.equal(found.get('n'), 3);
    const copy = client.restoreCollection(collection.serialize());
    assert.deepEqual(numbers(copy), [19, 18, 17]);
    assert.ok(new Usergrid.collection({client, type: 'things', list: []}));
  });

  await check('the exact queries that clients send', async () => {
    await ok('POST', '/books', {json: [
      {name: 'A', color: 'black', title: 'The quick brown fox', pages: 10, price: 1.5, sold: true, by: {name: 'Ann', born: {year: 1900}}, tags: ['x', 'y'], location: {latitude: 47.37, longitude: 8.54}},
      {name: 'B', color: 'Black', title: 'Slow foxes', pages: 20, price: 2, sold: false, by: {name: 'Bob'}, tags: ['y', 'z'], location: {latitude: 46.95, longitude: 7.45}},
      {name: 'martyr', color: 'white', title: "It's over", pages: 30},
      {name: 'Marty', title: 'quicksand', pages: '30'},
    ]});
    const zurich = '47.37, 8.54';
    for (const [ql, want] of [
      ['select *', 'A B Marty martyr'],
      ["select * where color = 'black'", 'A B'],
      ["select * where name = 'A' or name = 'B'  order by name asc", 'A B'],
      ["select * where name ='A'", 'A'],
      ["name='A'", 'A'],
      ["where name eq 'a'", 'A'],
      ["name='marty*'", 'Marty martyr'],
      ["select * where not name = 'A'", 'B Marty martyr'],
      ["not color = 'black'", 'Marty martyr'],
      ['pages > 10', 'B martyr'],
      ['pages gte 10 and pages lt 20', 'A'],
      ['pages <= 20 and not pages lte 10', 'B'],
      ['price = 1.5', 'A'],
      ['sold = true', 'A'],
      ["by.name = 'ann'", 'A'],
      ['by.born.year = 1900', 'A'],
      ["tags = 'y'", 'A B'],
      ["title contains 'quick'", 'A'],
      ["title contains 'quick*'", 'A Marty'],
      ["title = 'It\\'s over'", 'martyr'],
      ["(name = 'A' or name = 'B') and pages = 20", 'B'],
      ["name = 'A' or name = 'B' and pages = 20", 'A B'],
      [`location within 1000 of ${zurich}`, 'A'],
      [`location within 200000 of ${zurich}`, 'A B'],
      ['SELECT * WHERE pages > 10 ORDER BY pages DESC', 'B martyr'],
      ['nothing = 1', ''],
    ]) {
      const answer = await http('GET', `/books?ql=${encodeURIComponent(ql)}`);
      assert.equal(answer.status, 200, `${ql}: ${JSON.stringify(answer.body)}`);
      assert.deepEqual(names(answer.body.entities).sort().join(' '), want, ql);
    }
    for (const [ql, want] of [
      ['order by name', 'A B Marty martyr'],
      ['order by name desc', 'martyr Marty B A'],
      ['order by pages, name', 'A B martyr Marty'], // numbers before texts
      ['order by price desc', 'B A martyr Marty'.split(' ').slice(0, 2).join(' ')], // those without come last
      [`location within 200000 of 46.95, 7.45`, 'B A'], // the nearest first
    ]) {
      const found = names((await ok('GET', `/books?ql=${encodeURIComponent(ql)}`)).entities).join(' ');
      assert.ok(found.startsWith(want), `${ql}: ${found}`);
    }
    for (const other of ['q', 'query']) {
      assert.deepEqual(names((await ok('GET', `/books?${other}=${encodeURIComponent("name='A'")}`)).entities), ['A'], other);
    }
    assert.deepEqual(names((await ok('GET', `/books;ql=${encodeURIComponent("name='A'")}`)).entities), ['A']);
    const inline = await ok('GET', `/books/${encodeURIComponent("{name='A'}")}`);
    assert.deepEqual(names(inline.entities), ['A']);
    assert.equal((await ok('GET', '/books/all')).entities.length, 4);
    for (const bad of ["name = ", 'and', "name = 'A' or", "(name = 'A'", 'order by']) {
      const answer = await refused(400, 'query_parse', ask(client, 'request', {endpoint: 'books', qs: {ql: bad}}));
      assert.equal(answer.exception, 'org.apache.usergrid.persistence.index.exceptions.QueryParseException', bad);
    }
    for (const bad of ['name = "A"', "name != 'A'"]) {
      const answer = await http('GET', `/books?ql=${encodeURIComponent(bad)}`);
      assert.equal(answer.status, 400, bad);
      assert.match(answer.body.error, /^query_(parse|token)$/, bad);
    }
  });

  await check('only the properties asked for', async () => {
    const [book] = (await ok('GET', `/books?ql=${encodeURIComponent("select name, pages where name = 'A'")}`)).entities;
    assert.deepEqual([book.name, book.pages, book.color, book.type], ['A', 10, undefined, 'book']);
    assert.ok(book.uuid && book.metadata);
  });

  await check('changes by query', async () => {
    const [answer] = await ask(client, 'request', {method: 'PUT', endpoint: 'books', qs: {ql: "color = 'black'"}, body: {shelf: 7}});
    assert.deepEqual(names(answer.entities).sort(), ['A', 'B']);
    assert.ok(answer.entities.every((e) => e.shelf === 7));
    await refused(404, 'service_resource_not_found', ask(client, 'request', {method: 'PUT', endpoint: 'books', qs: {ql: "color = 'pink'"}, body: {shelf: 8}}));
  });
});
