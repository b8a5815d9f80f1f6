'use strict';
// Classes: contracts/syncano.md 2.8.

const {assert, check, flow, connect, send, raw, refused, http, newInstance, newKey, denied, timestamp} = require('./flow');

// Every schema type with every index it may have.
const schema = [
  {name: 'title', type: 'string', order_index: true, filter_index: true},
  {name: 'summary', type: 'text'},
  {name: 'pages', type: 'integer', order_index: true, filter_index: true},
  {name: 'price', type: 'float', order_index: true},
  {name: 'available', type: 'boolean', filter_index: true},
  {name: 'released', type: 'datetime', order_index: true, filter_index: true},
  {name: 'cover', type: 'file'},
  {name: 'sequel', type: 'reference', target: 'self', filter_index: true},
  {name: 'readers', type: 'relation', target: 'user', filter_index: true},
  {name: 'tags', type: 'array', filter_index: true},
  {name: 'extra', type: 'object'},
  {name: 'place', type: 'geopoint', filter_index: true},
];

flow(async () => {
  const {name, admin, path} = await newInstance('classes');
  const {Class, DataObject} = admin;
  const key = admin.getAccountKey();
  const create = (json) => http('POST', `${path}/classes/`, {key, json});

  await check('a class with every type is created', async () => {
    const book = await Class.please().create({name: 'Book', description: 'All of them', schema, metadata: {shelf: 3}});
    assert.equal(book.name, 'book');
    assert.equal(book.status, 'ready');
    assert.equal(book.objects_count, 0);
    assert.equal(book.revision, 1);
    assert.equal(book.group, null);
    assert.equal(book.group_permissions, 'create_objects');
    assert.equal(book.other_permissions, 'create_objects');
    assert.deepEqual(book.schema, schema);
    assert.deepEqual(book.metadata, {shelf: 3});
    assert.deepEqual(book.links, {self: `${path}/classes/book/`, objects: `${path}/classes/book/objects/`});
  });

  await check('it is listed after user_profile, and found in any case', async () => {
    const list = await raw(Class.please().list());
    assert.deepEqual(list.objects.map((c) => c.name), ['user_profile', 'book']);
    assert.match(list.objects[1].created_at, timestamp);
    assert.equal((await raw(Class.please().get({name: 'BOOK'}))).name, 'book');
    const found = await http('GET', `${path}/classes/?name__startswith=bo`, {key});
    assert.deepEqual(found.body.objects.map((c) => c.name), ['book']);
    await refused(404, Class.please().get({name: 'film'}).request());
    await refused(404, DataObject.please().list({className: 'film'}).request(), {detail: 'Class was not found.'});
  });

  await check('PATCH changes what it names; only the schema counts revisions', async () => {
    const described = await raw(Class.please().update({name: 'book'}, {description: 'Some', name: 'film'}));
    assert.equal(described.description, 'Some');
    assert.equal(described.name, 'book');
    assert.equal(described.revision, 1);
    const grown = await raw(Class.please().update({name: 'book'}, {schema: JSON.stringify(schema.concat({name: 'isbn', type: 'string', unique: true}))}));
    assert.equal(grown.revision, 2);
    assert.deepEqual(grown.schema.find((f) => f.name === 'isbn'), {name: 'isbn', type: 'string', filter_index: true, unique: true});
    const stale = await refused(400, Class.please().update({name: 'book'}, {description: 'x', expected_revision: 1}).request());
    assert.deepEqual(stale.errors, {expected_revision: 'Revision mismatch. Expected 1, got 2.'});
    await raw(Class.please().update({name: 'book'}, {description: 'y', expected_revision: 2}));
  });

  await check('a read class is saved back, and PUT without a schema empties it', async () => {
    const book = await send(Class.please().get({name: 'book'}));
    book.description = 'Saved';
    const saved = await book.save();
    assert.equal(saved.description, 'Saved');
    assert.equal(saved.schema.length, schema.length + 1);
    await Class.please().create({name: 'draft', schema: [{name: 'a', type: 'string'}], other_permissions: 'none'});
    const emptied = await http('PUT', `${path}/classes/draft/`, {key, json: {}});
    assert.equal(emptied.status, 200);
    assert.deepEqual(emptied.body.schema, []);
    assert.equal(emptied.body.other_permissions, 'create_objects');
  });

  await check('a new field is null in old objects, a removed one hides', async () => {
    await Class.please().create({name: 'notes', schema: [{name: 'a', type: 'string'}, {name: 'b', type: 'integer'}]});
    const note = await DataObject.please().create({className: 'notes', a: 'x', b: 5});
    const schema2 = [{name: 'a', type: 'string'}, {name: 'b', type: 'string'}, {name: 'c', type: 'boolean'}];
    await raw(Class.please().update({name: 'notes'}, {schema: schema2}));
    let row = await raw(DataObject.please().get({className: 'notes', id: note.id}));
    assert.deepEqual([row.a, row.b, row.c], ['x', null, null]);
    await raw(Class.please().update({name: 'notes'}, {schema: [{name: 'c', type: 'boolean'}]}));
    row = await raw(DataObject.please().get({className: 'notes', id: note.id}));
    assert.equal('a' in row, false);
    assert.equal((await raw(Class.please().get({name: 'notes'}))).objects_count, 1);
  });

  await check('false indexes vanish, types are lower-cased', async () => {
    const answer = await create({name: 'plain', schema: [{name: 'a', type: 'STRING', order_index: false, filter_index: true}]});
    assert.deepEqual([answer.status, answer.body.schema], [201, [{name: 'a', type: 'string', filter_index: true}]]);
  });

  await check('a wrong schema is refused with the field and the reason', async () => {
    const one = (field) => [Object.assign({name: 'x', type: 'string'}, field)];
    const wrong = [
      [[{name: 'x'}], 'Field name and type is required.'],
      [one({type: 'colour'}), 'Invalid field type value. Possible types:'],
      [one({name: 'owner'}), 'Field name "owner" is reserved.'],
      [one({name: 'Created_At'}), 'is reserved.'],
      [one({name: '1x'}), 'Wrong characters used in field name'],
      [[{name: 'x', type: 'string'}, {name: 'x', type: 'text'}], 'Field "x" defined more than once.'],
      [one({type: 'reference'}), 'Target must specify class name or "self".'],
      [one({type: 'reference', target: 'nowhere'}), 'Class specified by target is missing.'],
      [one({type: 'text', order_index: true}), 'definition can only consist of'],
      [one({type: 'object', filter_index: true}), 'definition can only consist of'],
      [Array.from({length: 33}, (_, i) => ({name: `f${i}`, type: 'string'})), 'Too many fields defined (exceeds 32).'],
      [Array.from({length: 9}, (_, i) => ({name: `f${i}`, type: 'string', order_index: true, filter_index: true})), 'Too many indexes defined (exceeds 16).'],
      ['{not json', ''],
      ['"text"', ''],
    ];
    for (const [bad, reason] of wrong) {
      const answer = await create({name: 'broken', schema: bad});
      const shown = JSON.stringify(bad).slice(0, 80);
      assert.equal(answer.status, 400, `${shown}: ${answer.status} ${JSON.stringify(answer.body)}`);
      assert.deepEqual(Object.keys(answer.body), ['schema'], shown);
      assert.ok(answer.body.schema[0].includes(reason), `${shown}: ${JSON.stringify(answer.body)}`);
    }
    await refused(404, Class.please().get({name: 'broken'}).request());
  });

  await check('a wrong name is refused', async () => {
    for (const bad of ['users', 'self', '1st', 'with-dash', 'tail_', 'n'.repeat(65)]) {
      const answer = await create({name: bad, schema: []});
      assert.equal(answer.status, 400, bad);
      assert.deepEqual(Object.keys(answer.body), ['name'], bad);
    }
    assert.deepEqual((await create({name: 'BOOK'})).body, {name: ['This field must be unique.']});
    assert.deepEqual((await create({})).body, {name: ['This field is required.']});
    const choice = await create({name: 'other', other_permissions: 'all'});
    assert.deepEqual([choice.status, choice.body], [400, {other_permissions: ['"all" is not a valid choice.']}]);
  });

  await check('a class keeps values of a unique field apart', async () => {
    await Class.please().create({name: 'passports', schema: [{name: 'number', type: 'string', unique: true}]});
    const first = await DataObject.please().create({className: 'passports', number: 'A1'});
    await refused(400, DataObject.please().create({className: 'passports', number: 'A1'}), {number: ['This field must be unique.']});
    await DataObject.please().create({className: 'passports'});
    await DataObject.please().create({className: 'passports'});
    await first.delete();
    await DataObject.please().create({className: 'passports', number: 'A1'});
  });

  await check('an API key reads the classes that are open to it', async () => {
    await Class.please().create({name: 'secrets', other_permissions: 'none'});
    const plain = connect({apiKey: await newKey(admin)}, {instanceName: name});
    const strong = connect({apiKey: await newKey(admin, {ignore_acl: true})}, {instanceName: name});
    const names = async (connection) => (await raw(connection.Class.please().list())).objects.map((c) => c.name);
    assert.equal((await names(plain)).includes('secrets'), false);
    assert.equal((await names(plain)).includes('book'), true);
    assert.equal((await names(strong)).includes('secrets'), true);
    await refused(404, plain.Class.please().get({name: 'secrets'}).request());
    await refused(403, strong.Class.please().update({name: 'book'}, {description: 'mine'}).request(), denied);
    await refused(403, strong.Class.please().delete({name: 'book'}).request(), denied);
  });

  await check('a deleted class takes its objects along, and its name is free', async () => {
    const object = await DataObject.please().create({className: 'book', title: 'one'});
    await send(Class.please().delete({name: 'book'}));
    await refused(404, Class.please().get({name: 'book'}).request());
    await Class.please().create({name: 'book', schema: [{name: 'title', type: 'string'}]});
    await refused(404, DataObject.please().get({className: 'book', id: object.id}).request());
    assert.deepEqual((await raw(DataObject.please().list({className: 'book'}))).objects, []);
  });
});
