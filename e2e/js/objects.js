'use strict';
// Data objects: contracts/syncano.md 2.9, through every method of the client's `DataObject` (contract 4.3).

const {assert, check, flow, connect, send, raw, refused, http, everything, newInstance, newKey, notFound, denied, timestamp, ids} = require('./flow');

flow(async () => {
  const {name, admin, path} = await newInstance('objects');
  const {Class, DataObject, User} = admin;
  const key = admin.getAccountKey();
  const className = 'book';
  const books = () => DataObject.please({className});
  const find = async (query) => (await send(books().list().filter(query))).map((b) => b.title);

  await Class.please().create({name: 'author', schema: [
    {name: 'name', type: 'string', filter_index: true, order_index: true},
    {name: 'born', type: 'integer', filter_index: true},
  ]});
  await Class.please().create({name: 'book', schema: [
    {name: 'title', type: 'string', order_index: true, filter_index: true},
    {name: 'summary', type: 'text'},
    {name: 'pages', type: 'integer', order_index: true, filter_index: true},
    {name: 'price', type: 'float', order_index: true, filter_index: true},
    {name: 'available', type: 'boolean', filter_index: true},
    {name: 'released', type: 'datetime', order_index: true, filter_index: true},
    {name: 'author', type: 'reference', target: 'author', filter_index: true},
    {name: 'authors', type: 'relation', target: 'author', filter_index: true},
    {name: 'tags', type: 'array', filter_index: true},
    {name: 'extra', type: 'object'},
    {name: 'place', type: 'geopoint', filter_index: true},
    {name: 'note', type: 'string'},
  ]});
  const [huxley, orwell] = await DataObject.please().bulkCreate([
    DataObject({instanceName: name, className: 'author', name: 'Huxley', born: 1894}),
    DataObject({instanceName: name, className: 'author', name: 'Orwell', born: 1903}),
  ]);
  let first;

  await check('an object of every type comes back as its types say', async () => {
    first = await books().create({
      title: ' Brave New World ', summary: 'long', pages: 311, price: 9.5, available: true, released: '1932-02-04T00:00:00.5Z',
      author: huxley.id, authors: [huxley.id, orwell.id, huxley.id, 9999], tags: ['classic', 'soma', 1, true],
      extra: {nested: {a: [1, null]}}, place: {latitude: 51.5, longitude: -0.12},
    });
    assert.equal(first.title, ' Brave New World ');
    assert.equal(first.pages, 311);
    assert.equal(first.price, 9.5);
    assert.strictEqual(first.available, true);
    assert.deepEqual(first.released, {type: 'datetime', value: '1932-02-04T00:00:00.500000Z'});
    assert.deepEqual(first.author, {type: 'reference', target: 'author', value: huxley.id});
    assert.deepEqual(first.authors, {type: 'relation', target: 'author', value: [huxley.id, orwell.id]});
    assert.deepEqual(first.tags, ['classic', 'soma', 1, true]);
    assert.deepEqual(first.extra, {nested: {a: [1, null]}});
    assert.deepEqual(first.place, {type: 'geopoint', longitude: -0.12, latitude: 51.5});
    assert.equal(first.note, null);
    assert.equal(first.owner, null);
    assert.equal(first.revision, 1);
    assert.deepEqual(first.links, {self: `${path}/classes/book/objects/${first.id}/`});
  });

  await check('the raw object has exactly the documented words', async () => {
    const row = await raw(books().get({id: first.id}));
    assert.deepEqual(Object.keys(row).sort(), ['author', 'authors', 'available', 'channel', 'channel_room', 'created_at', 'extra', 'group',
      'group_permissions', 'id', 'links', 'note', 'other_permissions', 'owner', 'owner_permissions', 'pages', 'place', 'price', 'released',
      'revision', 'summary', 'tags', 'title', 'updated_at']);
    assert.match(row.created_at, timestamp);
    assert.equal(row.owner_permissions, 'full');
    assert.equal(row.group_permissions, 'none');
    assert.equal(row.other_permissions, 'none');
  });

  await check('an object is changed in part, and its revision counts', async () => {
    const changed = await raw(books().update({id: first.id}, {title: 'Brave New World', note: 'read'}));
    assert.equal(changed.title, 'Brave New World');
    assert.equal(changed.pages, 311);
    assert.equal(changed.revision, 2);
    const same = await raw(books().update({id: first.id}, {title: 'Brave New World'}));
    assert.equal(same.revision, 2);
    const stale = await refused(400, books().update({id: first.id}, {title: 'x', expected_revision: 1}).request());
    assert.deepEqual(stale.errors, {expected_revision: 'Revision mismatch. Expected 1, got 2.'});
    assert.equal((await raw(books().update({id: first.id}, {note: null, expected_revision: 2}))).note, null);
  });

  await check('POST on an object is a full update, PUT does not exist', async () => {
    const url = `${path}/classes/book/objects/${first.id}/`;
    await raw(books().update({id: first.id}, {other_permissions: 'read'}));
    const answer = await http('POST', url, {key, json: {summary: 'longer'}});
    assert.equal(answer.status, 200);
    assert.equal(answer.body.summary, 'longer');
    assert.equal(answer.body.title, 'Brave New World');
    assert.equal(answer.body.other_permissions, 'none');
    assert.equal((await http('PUT', url, {key, json: {}})).status, 405);
  });

  await check('a fetched object with typed values is saved back', async () => {
    const book = await send(books().get({id: first.id}));
    book.pages = 312;
    const saved = await book.save();
    assert.equal(saved.pages, 312);
    assert.deepEqual(saved.released, {type: 'datetime', value: '1932-02-04T00:00:00.500000Z'});
    assert.deepEqual(saved.authors.value, [huxley.id, orwell.id]);
    assert.deepEqual(saved.place, {type: 'geopoint', longitude: -0.12, latitude: 51.5});
  });

  await check('numbers are incremented', async () => {
    assert.equal((await raw(books().increment({id: first.id}, {pages: 5}))).pages, 317);
    assert.equal((await raw(books().increment({id: first.id}, {price: -0.5}))).price, 9);
    await refused(400, books().increment({id: first.id}, {title: 1}).request());
    await refused(400, books().increment({id: first.id}, {pages: 'many'}).request());
  });

  await check('arrays take and lose values', async () => {
    assert.deepEqual((await raw(books().add({id: first.id}, {tags: ['soma']}))).tags, ['classic', 'soma', 1, true, 'soma']);
    assert.deepEqual((await raw(books().addUnique({id: first.id}, {tags: ['soma', 'ford']}))).tags, ['classic', 'soma', 1, true, 'soma', 'ford']);
    assert.deepEqual((await raw(books().remove({id: first.id}, {tags: ['soma', 1, true]}))).tags, ['classic', 'ford']);
    assert.deepEqual((await raw(books().add({id: first.id}, {tags: 'scalar'}))).tags, ['classic', 'ford', 'scalar']);
    await raw(books().remove({id: first.id}, {tags: ['scalar']}));
  });

  await check('relations take and lose objects, and are null when empty', async () => {
    assert.deepEqual((await raw(books().remove({id: first.id}, {authors: [orwell.id]}))).authors.value, [huxley.id]);
    assert.strictEqual((await raw(books().remove({id: first.id}, {authors: [huxley.id]}))).authors, null);
    assert.deepEqual((await raw(books().add({id: first.id}, {authors: [huxley.id, orwell.id]}))).authors.value, [huxley.id, orwell.id]);
    const model = await send(books().get({id: first.id}));
    const related = await send(model.getRelatedObjects('authors'));
    assert.deepEqual(related.map((a) => a.name), ['Huxley', 'Orwell']);
  });

  await check('the model adds and removes values itself', async () => {
    const book = await send(books().get({id: first.id}));
    assert.deepEqual((await book.add('tags', ['pool'])).tags, ['classic', 'ford', 'pool']);
    assert.deepEqual((await book.remove('tags', ['pool'])).tags, ['classic', 'ford']);
  });

  await books().bulkCreate([
    {title: 'Animal Farm', pages: 112, price: 4, available: true, released: '1945-08-17T00:00:00.000000Z', author: orwell.id, authors: [orwell.id], tags: ['classic', 'pigs'], place: {latitude: 52.5, longitude: 13.4}},
    {title: 'Nineteen Eighty-Four', pages: 328, price: 12.25, available: false, released: '1949-06-08T00:00:00.000000Z', author: orwell.id, authors: [orwell.id], tags: ['classic', 'telescreen'], place: {latitude: 51.6, longitude: -0.2}},
    {title: 'island', pages: 384, author: huxley.id, authors: [huxley.id], tags: []},
    {title: '100% Utopia_'},
  ].map((book) => DataObject(Object.assign({instanceName: name, className}, book))));
  const farm = 'Animal Farm', brave = 'Brave New World', eighty = 'Nineteen Eighty-Four', island = 'island', utopia = '100% Utopia_';

  await check('filter compares numbers, text, truth and time', async () => {
    assert.deepEqual(await find({pages: {_eq: 112}}), [farm]);
    assert.deepEqual(await find({pages: {_neq: 112}}), [brave, eighty, island, utopia]);
    assert.deepEqual(await find({pages: {_gt: 317}}), [eighty, island]);
    assert.deepEqual(await find({pages: {_gte: 317, _lt: 384}}), [brave, eighty]);
    assert.deepEqual(await find({price: {_lte: 9}}), [brave, farm]);
    assert.deepEqual(await find({title: {_eq: island}}), [island]);
    assert.deepEqual(await find({title: {_gt: 'B', _lt: 'O'}}), [brave, eighty]);
    assert.deepEqual(await find({available: {_eq: true}}), [brave, farm]);
    assert.deepEqual(await find({available: {_neq: true}}), [eighty, island, utopia]);
    assert.deepEqual(await find({released: {_gt: '1945-08-17T00:00:00Z'}}), [eighty]);
    assert.deepEqual(await find({released: {_lte: '1945-08-17'}}), [brave, farm]);
    assert.deepEqual(await find({pages: {_gt: 112}, price: {_lt: 10}}), [brave]);
  });

  await check('filter knows lists and presence', async () => {
    assert.deepEqual(await find({title: {_in: [island, farm, 'none']}}), [farm, island]);
    assert.deepEqual(await find({pages: {_nin: [112, 317]}}), [eighty, island, utopia]);
    assert.deepEqual(await find({released: {_exists: false}}), [island, utopia]);
    assert.deepEqual(await find({price: {_exists: true}}), [brave, farm, eighty]);
    assert.deepEqual(await find({id: {_in: [first.id]}}), [brave]);
    assert.deepEqual(await find({id: {_gt: first.id, _lt: first.id + 2}}), [farm]);
    assert.deepEqual(await find({revision: {_gt: 1}}), [brave]);
    assert.deepEqual(await find({created_at: {_lt: '2001-01-01T00:00:00Z'}}), []);
  });

  await check('filter looks into text', async () => {
    assert.deepEqual(await find({title: {_startswith: 'A'}}), [farm]);
    assert.deepEqual(await find({title: {_startswith: 'a'}}), []);
    assert.deepEqual(await find({title: {_istartswith: 'a'}}), [farm]);
    assert.deepEqual(await find({title: {_endswith: 'World'}}), [brave]);
    assert.deepEqual(await find({title: {_iendswith: 'FARM'}}), [farm]);
    assert.deepEqual(await find({title: {_contains: 'New'}}), [brave]);
    assert.deepEqual(await find({title: {_contains: '%'}}), [utopia]);
    assert.deepEqual(await find({title: {_contains: '_'}}), [utopia]);
    assert.deepEqual(await find({title: {_icontains: 'EIGHTY'}}), [eighty]);
    assert.deepEqual(await find({title: {_ieq: 'ISLAND'}}), [island]);
    assert.deepEqual(await find({title: {_like: '%a%_arm'}}), [farm]);
    assert.deepEqual(await find({title: {_like: '100\\%%'}}), [utopia]);
    assert.deepEqual(await find({title: {_ilike: 'ISL___'}}), [island]);
  });

  await check('contains, is and near', async () => {
    const titles = async (querySet) => (await send(querySet.list())).map((b) => b.title);
    assert.deepEqual(await titles(books().contains('tags', ['classic'])), [brave, farm, eighty]);
    assert.deepEqual(await titles(books().contains('tags', ['classic', 'pigs'])), [farm]);
    assert.deepEqual(await titles(books().contains('authors', [huxley.id])), [brave, island]);
    assert.deepEqual(await titles(books().contains('authors', [huxley.id, orwell.id])), [brave]);
    assert.deepEqual(await titles(books().is('author', {name: {_eq: 'Orwell'}})), [farm, eighty]);
    assert.deepEqual(await titles(books().is('authors', {born: {_lt: 1900}})), [brave, island]);
    assert.deepEqual(await titles(books().is('authors', {id: {_in: [orwell.id]}})), [brave, farm, eighty]);
    assert.deepEqual(await find({author: {_eq: orwell.id}}), [farm, eighty]);
    assert.deepEqual(await titles(books().near({place: {latitude: 51.5, longitude: -0.12, distance_in_kilometers: 20}})), [brave, eighty]);
    assert.deepEqual(await titles(books().near({place: {latitude: 52.5, longitude: 13.4, distance_in_miles: 5}})), [farm]);
    assert.deepEqual(await titles(books().near({place: {latitude: 51.5, longitude: -0.12}})), [brave, eighty]);
  });

  await check('a wrong filter is refused with its reason', async () => {
    const wrong = [
      [{nothing: {_eq: 1}}, 'Invalid field name defined: "nothing".'],
      [{note: {_eq: 'x'}}, 'Field "note" cannot be used in a query as it is not indexed.'],
      [{pages: {_near: 1}}, null],
      [{pages: {_bigger: 1}}, 'Invalid lookup "_bigger" defined for field "pages".'],
      [{pages: 5}, 'Invalid field "pages" lookup type. Expected JSON object.'],
      [{pages: {_eq: 'many'}}, 'Invalid value type provided for "eq" lookup of field "pages".'],
      [{pages: {_in: 5}}, null],
      [{place: {_near: {latitude: 1, longitude: 1, distance_in_miles: -4}}}, null],
    ];
    for (const [query, text] of wrong) {
      const err = await refused(400, books().list().filter(query).request());
      assert.deepEqual(Object.keys(err.errors), ['query'], JSON.stringify(query));
      if (text) assert.equal(err.errors.query, text);
    }
    const broken = await http('GET', `${path}/classes/book/objects/?query=%7Bnot`, {key});
    assert.deepEqual([broken.status, broken.body], [400, {query: 'Not a valid JSON string.'}]);
  });

  await check('order follows fields, with null last and ties by id', async () => {
    const titles = async (field) => (await send(books().list().orderBy(field))).map((b) => b.title);
    assert.deepEqual(await titles('pages'), [farm, brave, eighty, island, utopia]);
    assert.deepEqual(await titles('-pages'), [utopia, island, eighty, brave, farm]);
    assert.deepEqual(await titles('price'), [farm, brave, eighty, island, utopia]);
    assert.deepEqual(await titles('-released'), [utopia, island, eighty, farm, brave]);
    assert.deepEqual(await titles('-id'), [utopia, island, eighty, farm, brave]);
    assert.deepEqual(await titles('created_at'), [brave, farm, eighty, island, utopia]);
    await refused(400, books().list().orderBy('nothing').request());
    await refused(400, books().list().orderBy('note').request(), {detail: 'Cannot use specified order_by field. Set required index on schema first.'});
  });

  await check('pages run forth and back, also in an order', async () => {
    const page = await send(books().list().pageSize(2));
    assert.deepEqual(page.map((b) => b.title), [brave, farm]);
    assert.equal(page.hasPrev(), false);
    const second = await page.next();
    assert.deepEqual(second.map((b) => b.title), [eighty, island]);
    const third = await second.next();
    assert.deepEqual(third.map((b) => b.title), [utopia]);
    assert.equal(third.hasNext(), false);
    assert.deepEqual((await third.prev()).map((b) => b.title), [eighty, island]);

    const ordered = await send(books().list().orderBy('-pages').pageSize(2));
    assert.deepEqual(ordered.map((b) => b.title), [utopia, island]);
    const next = await ordered.next();
    assert.deepEqual(next.map((b) => b.title), [eighty, brave]);
    assert.deepEqual((await next.next()).map((b) => b.title), [farm]);
    assert.deepEqual((await next.prev()).map((b) => b.title), [utopia, island]);
  });

  await check('all pages are followed, with an exactly full last one too', async () => {
    for (const page_size of [2, 5]) {
      const all = await everything(books().all({}, {page_size}));
      assert.equal(all.length, 5, `page_size ${page_size}`);
    }
    const some = await everything(books().all({}, {page_size: 1, query: JSON.stringify({pages: {_gt: 112}})}));
    assert.deepEqual(some.map((b) => b.title), [brave, eighty, island]);
  });

  await check('fields are chosen and left out', async () => {
    const [only] = (await raw(books().list().fields(['id', 'title']))).objects;
    assert.deepEqual(Object.keys(only).sort(), ['id', 'title']);
    const [without] = (await raw(books().list().excludedFields(['title', 'links']))).objects;
    assert.equal('title' in without || 'links' in without, false);
    assert.equal(without.pages, 317);
  });

  await check('objects are counted over all pages', async () => {
    const counted = await raw(books().list().count().pageSize(1));
    assert.equal(counted.objects_count, 5);
    assert.equal(counted.objects.length, 1);
    const some = await raw(books().list().filter({pages: {_gt: 112}}).count().pageSize(0));
    assert.equal(some.objects_count, 3);
    assert.deepEqual(some.objects, []);
    assert.equal('objects_count' in (await raw(books().list())), false);
  });

  await check('raw, first and a template answer', async () => {
    const body = await send(books().list().raw());
    assert.deepEqual(Object.keys(body).sort(), ['next', 'objects', 'prev']);
    assert.strictEqual(body.prev, null);
    assert.equal((await books().first()).title, brave);
    await send(books().list().templateResponse('objects_html_table'));
  });

  await check('wrong values are refused by field, and nothing changes', async () => {
    const wrong = {
      title: ['x'.repeat(129), {}, ['x']], pages: ['many', 1.5, 2147483648, {}], price: ['much', 'NaN'], available: ['perhaps'],
      released: ['yesterday', '2016-02-30T00:00:00.0Z'], author: ['Orwell', 99999], authors: ['Orwell', 7], tags: ['x', {}, [{}]],
      extra: ['x', [1]], place: [{latitude: 91, longitude: 0}, {latitude: 1}, 'here'], summary: ['x'.repeat(32001)],
      owner_permissions: ['all'], group: [999],
    };
    for (const [field, values] of Object.entries(wrong)) {
      for (const value of values) {
        const err = await refused(400, books().update({id: first.id}, {[field]: value}).request());
        assert.deepEqual(Object.keys(err.errors), [field], `${field} ${JSON.stringify(value).slice(0, 40)}: ${JSON.stringify(err.errors)}`);
      }
    }
    assert.equal((await raw(books().get({id: first.id}))).pages, 317);
  });

  await check('an object has a largest size', async () => {
    const extra = {};
    for (let i = 0; i < 40; i++) extra[`k${i}`] = 'v'.repeat(1000);
    await refused(400, books().create({title: 'big', extra}), {non_field_errors: ['Object maximum size exceeded.']});
  });

  await check('JSON text inside a string is understood', async () => {
    const book = await books().create({title: 'text', place: '{"latitude":1,"longitude":2}', tags: '["a"]', extra: '{"b":1}', authors: `[${orwell.id}]`});
    assert.deepEqual(book.place, {type: 'geopoint', longitude: 2, latitude: 1});
    assert.deepEqual(book.tags, ['a']);
    assert.deepEqual(book.extra, {b: 1});
    assert.deepEqual(book.authors.value, [orwell.id]);
    await book.delete();
  });

  await check('permissions of an object are kept: read, write, full', async () => {
    const apiKey = await newKey(admin);
    const alice = await User.please().create({username: 'alice', password: 'x'});
    const bob = await User.please().create({username: 'bob', password: 'x'});
    const as = (user) => connect({apiKey, userKey: user.user_key}, {instanceName: name});
    const mine = await as(alice).DataObject.please().create({className, title: 'diary'});
    const get = () => as(bob).DataObject.please().get({className, id: mine.id}).request();
    const write = () => as(bob).DataObject.please().update({className, id: mine.id}, {title: 'ours'}).request();
    const remove = () => as(bob).DataObject.please().delete({className, id: mine.id}).request();
    const open = (other_permissions) => as(alice).DataObject.please().update({className, id: mine.id}, {other_permissions}).request();

    await refused(404, get(), notFound);
    await refused(404, write());
    assert.deepEqual(ids(await send(as(bob).DataObject.please().list({className}))), []);
    await open('read');
    await get();
    await refused(403, write(), denied);
    await open('write');
    await write();
    await refused(403, remove(), denied);
    await open('full');
    await remove();
    await refused(404, as(alice).DataObject.please().get({className, id: mine.id}).request(), notFound);

    const second = await as(alice).DataObject.please().create({className, title: 'diary 2'});
    await refused(400, as(alice).DataObject.please().update({className, id: second.id}, {owner: bob.id}).request(),
      {owner: ['Cannot change owner of Data Object.']});
    const given = await raw(DataObject.please().update({className, id: second.id}, {owner: bob.id}));
    assert.equal(given.owner, bob.id);
    await refused(404, as(alice).DataObject.please().get({className, id: second.id}).request());
    await send(as(bob).DataObject.please().delete({className, id: second.id}));
  });

  await check('get or create, update or create', async () => {
    const book = await books().getOrCreate({id: 99999}, {title: 'made'});
    assert.equal(book.title, 'made');
    const again = await books().getOrCreate({id: book.id}, {title: 'other'});
    assert.equal(again.title, 'made');
    const updated = await books().updateOrCreate({id: book.id}, {title: 'updated'});
    assert.equal(updated.title, 'updated');
    await send(books().delete({id: book.id}));
    await refused(404, books().get({id: book.id}).request(), notFound);
  });

  await check('ids count through the instance', async () => {
    const fresh = await newInstance('objects');
    await fresh.admin.Class.please().create({name: 'a', schema: []});
    await fresh.admin.Class.please().create({name: 'b', schema: []});
    const one = await fresh.admin.DataObject.please().create({className: 'a'});
    const user = await fresh.admin.User.please().create({username: 'u', password: 'x'});
    const two = await fresh.admin.DataObject.please().create({className: 'b'});
    assert.deepEqual([one.id, user.profile.id, two.id], [1, 2, 3]);
  });
});
