'use strict';
// Records: contracts/skygear.md 4.1 to 4.4.

const {assert, check, flow, apiKey, masterKey, open, signedUp, fails, itemFails, post, fields} = require('./sdk');

flow(async () => {
  const ann = await signedUp('ann');
  const bob = await signedUp('bob');
  const guest = await open();
  const {Query, Record, Reference, Geolocation, Sequence} = ann;
  const Item = Record.extend('item');
  const Cat = Record.extend('cat');
  const items = () => new Query(Item);
  const names = async (query, client = ann) => fields(await client.publicDB.query(query), 'name');
  const cats = [new Cat({name: 'tools'}), new Cat({name: 'food'})];

  await check('a record with every type of value', async () => {
    const Thing = Record.extend('thing');
    const when = new Date('2016-02-29T12:34:56.789Z');
    await ann.publicDB.save(cats[0]);
    const thing = new Thing({
      text: '<script>alert("ü")</script>', count: 42, ratio: -1.5, done: false, when, list: ['x', 2, null], tree: {a: {b: [1]}},
      place: new Geolocation(22.25, 114.1667), cat: new Reference(cats[0]), order: new Sequence(),
    });
    const saved = await ann.publicDB.save(thing);
    assert.equal(saved, thing);
    const found = await bob.publicDB.getRecordByID(thing.id);
    assert.equal(found.text, thing.text);
    assert.deepEqual([found.count, found.ratio, found.done], [42, -1.5, false]);
    assert.deepEqual(found.when, when);
    assert.deepEqual(found.list, ['x', 2, null]);
    assert.deepEqual(found.tree, {a: {b: [1]}});
    assert.deepEqual([found.place.latitude, found.place.longitude], [22.25, 114.1667]);
    assert.equal(found.cat.id, cats[0].id);
    assert.equal(found.order, 1);
    assert.deepEqual([found.ownerID, found.createdBy, found.updatedBy], Array(3).fill(ann.auth.currentUser._id));
    assert.ok(found.createdAt instanceof Date && found.updatedAt >= found.createdAt);
    const second = await ann.publicDB.save(new Thing({order: new Sequence()}));
    assert.equal(second.order, 2);
  });

  await check('several records at once, in their order', async () => {
    const many = ['hammer', 'saw', 'bread', 'apple', 'Axe'].map((name, n) => new Item({
      name, n, price: n * 1.5, cat: new Reference(cats[n === 2 || n === 3 ? 1 : 0]), tags: n % 2 ? ['odd'] : ['even', 'all'],
      made: new Date(Date.UTC(2020, n, 1)), place: new Geolocation(0, n),
    }));
    await ann.publicDB.save(cats[1]);
    const {savedRecords, errors} = await ann.publicDB.save(many);
    assert.deepEqual(fields(savedRecords, 'name'), ['hammer', 'saw', 'bread', 'apple', 'Axe']);
    assert.deepEqual(errors.filter(Boolean), []);
  });

  await check('a save changes what it names, and null clears it', async () => {
    const record = await ann.publicDB.save(new Item({name: 'draft', n: 90, note: 'old'}));
    const other = new Item({_id: record.id, note: 'new'});
    await ann.publicDB.save(other);
    let found = await ann.publicDB.getRecordByID(record.id);
    assert.deepEqual([found.name, found.n, found.note], ['draft', 90, 'new']);
    found.note = null;
    await ann.publicDB.save(found);
    found = await ann.publicDB.getRecordByID(record.id);
    assert.equal(found.note, undefined);
    await ann.publicDB.delete(found);
    await assert.rejects(ann.publicDB.getRecordByID(record.id), /does not exist/);
  });

  await check('predicates', async () => {
    for (const [query, want] of [
      [items().equalTo('name', 'saw'), ['saw']],
      [items().notEqualTo('name', 'saw'), ['hammer', 'bread', 'apple', 'Axe']],
      [items().greaterThan('n', 2), ['apple', 'Axe']],
      [items().greaterThanOrEqualTo('n', 3).lessThan('n', 4), ['apple']],
      [items().lessThanOrEqualTo('price', 1.5), ['hammer', 'saw']],
      [items().greaterThan('made', new Date('2020-03-15T00:00:00Z')), ['apple', 'Axe']],
      [items().equalTo('made', new Date(Date.UTC(2020, 1, 1))), ['saw']],
      [items().like('name', 'a%'), ['apple']],
      [items().notLike('name', '%a%'), ['Axe']],
      [items().like('name', '_xe'), ['Axe']],
      [items().caseInsensitiveLike('name', 'a%'), ['apple', 'Axe']],
      [items().caseInsensitiveNotLike('name', '%A%'), []],
      [items().contains('name', ['bread', 'Axe', 'none']), ['bread', 'Axe']],
      [items().notContains('name', ['bread', 'Axe']), ['hammer', 'saw', 'apple']],
      [items().contains('name', []), []],
      [items().containsValue('tags', 'odd'), ['saw', 'apple']],
      [items().notContainsValue('tags', 'all'), ['saw', 'apple']],
      [items().equalTo('cat', new Reference(cats[1])), ['bread', 'apple']],
      [items().equalTo('cat.name', 'food'), ['bread', 'apple']],
      [items().equalTo('note', null), ['hammer', 'saw', 'bread', 'apple', 'Axe']],
      [items().notEqualTo('note', null), []],
      [items().distanceLessThan('place', new Geolocation(0, 0), 150_000), ['hammer', 'saw']],
      [items().distanceGreaterThan('place', new Geolocation(0, 0), 400_000), ['Axe']],
      [items().equalTo('_owner_id', ann.auth.currentUser._id).equalTo('n', 0), ['hammer']],
      [items().equalTo('_owner_id', bob.auth.currentUser._id), []],
      [Query.or(items().equalTo('n', 0), items().equalTo('name', 'Axe')), ['hammer', 'Axe']],
      [Query.and(items().greaterThan('n', 0), items().like('name', '%a%')), ['saw', 'bread', 'apple']],
      [Query.not(items().greaterThan('n', 0)), ['hammer']],
      [Query.or(Query.and(items().equalTo('n', 1), items().equalTo('name', 'saw')), Query.not(items().lessThan('n', 4))), ['saw', 'Axe']],
    ]) {
      query.addAscending('n');
      assert.deepEqual(await names(query), want, JSON.stringify(query.predicate));
    }
  });

  await check('sorting', async () => {
    assert.deepEqual(await names(items().addDescending('n')), ['Axe', 'apple', 'bread', 'saw', 'hammer']);
    assert.deepEqual(await names(items().addDescendingByDistance('place', new Geolocation(0, 1.9))), ['Axe', 'hammer', 'apple', 'saw', 'bread']);
    assert.deepEqual(await names(items().addAscendingByDistance('place', new Geolocation(0, 4))), ['Axe', 'apple', 'bread', 'saw', 'hammer']);
    assert.deepEqual(await names(items().addDescending('cat').addAscending('price').equalTo('cat', new Reference(cats[0]))), ['hammer', 'saw', 'Axe']);
    assert.deepEqual(await names(items().addAscending('_created_at').addAscending('n')), ['hammer', 'saw', 'bread', 'apple', 'Axe']);
  });

  await check('pages and the count of all', async () => {
    const query = items().addAscending('n');
    query.limit = 2;
    query.overallCount = true;
    let found = await guest.publicDB.query(query);
    assert.deepEqual(fields(found, 'n'), [0, 1]);
    assert.equal(found.overallCount, 5);
    query.page = 3;
    found = await guest.publicDB.query(query);
    assert.deepEqual(fields(found, 'n'), [4]);
    assert.equal(found.overallCount, 5);
    query.page = 0;
    query.offset = 1;
    assert.deepEqual(fields(await guest.publicDB.query(query), 'n'), [1, 2]);
    query.overallCount = false;
    assert.equal((await guest.publicDB.query(query)).overallCount, undefined);
  });

  await check('referred records and distances come along', async () => {
    const query = items().equalTo('n', 3).transientInclude('cat').transientInclude('_owner_id', 'maker')
      .transientIncludeDistance('place', 'away', new Geolocation(0, 3));
    const [apple] = await ann.publicDB.query(query);
    assert.equal(apple.$transient.cat.id, cats[1].id);
    assert.equal(apple.$transient.cat.name, 'food');
    assert.equal(apple.$transient.maker.username, 'ann');
    assert.ok(Math.abs(apple.$transient.away) < 1, `${apple.$transient.away} m`);
    const hidden = await ann.publicDB.save(Object.assign(new Cat({name: 'secret'}), {access: noAccess(ann)}));
    const Box = Record.extend('box');
    const item = await ann.publicDB.save(new Box({cat: new Reference(hidden)}));
    const [box] = await bob.publicDB.query(new Query(Box).transientInclude('cat'));
    assert.equal(box.id, item.id);
    assert.equal(box.$transient.cat, null);
  });

  await check('a query that makes no sense', async () => {
    assert.equal((await fails(120, ann.publicDB.query(items().equalTo('nothing', 1)))).name, 'RecordQueryInvalid');
    await fails(120, ann.publicDB.query(items().addAscending('nothing')));
    assert.equal((await ann.publicDB.query(new Query(Record.extend('nosuchtype')))).length, 0);
    const answer = await post('record:query', {api_key: apiKey, record_type: 'item', database_id: '_public', predicate: ['no', 1, 2]});
    assert.deepEqual([answer.status, answer.body.error.code], [400, 108]);
  });

  await check('what is deleted is gone, and each is answered for', async () => {
    const two = (await ann.publicDB.save([new Item({name: 'x', n: 50}), new Item({name: 'y', n: 51})])).savedRecords;
    const missing = new Item({name: 'never saved'});
    const errors = await ann.publicDB.delete([two[0], missing, two[1]]);
    assert.deepEqual([errors[0], errors[2]], [undefined, undefined]);
    assert.deepEqual([errors[1].code, errors[1].name, errors[1]._id], [110, 'ResourceNotFound', missing.id]);
    assert.deepEqual(await names(items().greaterThan('n', 49)), []);
    await itemFails(110, ann.publicDB.delete(two[0]));
    await itemFails(113, ann.publicDB.delete(cats[1])); // bread needs it
    await itemFails(102, ann.publicDB.delete(ann.auth.currentUser));
  });

  await check('all or nothing', async () => {
    const good = new Item({name: 'good', n: 60});
    const taken = new (Record.extend('user'))({_id: ann.auth.currentUser.id, username: 'bob'});
    const refusal = await fails(115, ann.publicDB.save([good, taken], {atomic: true}));
    assert.equal(refusal.name, 'AtomicOperationFailure');
    assert.deepEqual(refusal.info[taken.id], {name: 'Duplicated', code: 109, message: 'violate unique constraint'});
    assert.deepEqual(await names(items().equalTo('n', 60)), []);
    const {savedRecords, errors} = await ann.publicDB.save([good, taken]);
    assert.equal(savedRecords[0].id, good.id);
    assert.equal(errors[1].code, 109);
    const both = await ann.publicDB.save([new Item({name: 'p', n: 61}), new Item({name: 'q', n: 62})], {atomic: true});
    assert.deepEqual(fields(both.savedRecords, 'name'), ['p', 'q']);
  });

  await check('the schema grows by saving, and a value of another type does not fit', async () => {
    await ann.publicDB.save(new Item({name: 'z', n: 70, colour: 'red'}));
    assert.deepEqual(await names(items().equalTo('colour', 'red')), ['z']);
    assert.equal((await fails(114, ann.publicDB.save(new Item({n: 'seventy'})))).name, 'IncompatibleSchema');
    await fails(114, ann.publicDB.save(new Item({other: new Reference('nosuchtype/x')})));
    const admin = await open({key: masterKey});
    const {record_types: types} = (await admin.makeRequest('schema:fetch', {})).result;
    assert.deepEqual(types.cat, {fields: [{name: 'name', type: 'string'}]});
    await fails(102, ann.makeRequest('schema:fetch', {}));
  });

  await check('reserved types and new user records are refused', async () => {
    const save = (record) => post('record:save', {api_key: apiKey, access_token: ann.auth.accessToken, records: [record]});
    for (const [id, code] of [['_auth/x', 108], ['noslash', 108], ['user/somebody-new', 102]]) {
      const answer = await save({_id: id, x: 1});
      const item = answer.body.error || answer.body.result[0];
      assert.equal(item.code, code, `${id}: ${JSON.stringify(answer.body)}`);
    }
    await fails(108, ann.makeRequest('record:save', {database_id: '_public', records: []}));
  });

  await check('a private database is its owner\'s alone', async () => {
    const Diary = Record.extend('diary');
    const page = await ann.privateDB.save(new Diary({text: 'dear diary'}));
    assert.deepEqual(fields(await ann.privateDB.query(new Query(Diary)), 'text'), ['dear diary']);
    assert.equal((await bob.privateDB.query(new Query(Diary))).length, 0);
    assert.equal((await ann.publicDB.query(new Query(Diary))).length, 0);
    await fails(101, guest.privateDB.query(new Query(Diary)));
    await assert.rejects(bob.privateDB.getRecordByID(page.id), /does not exist/);
    await fails(102, bob.makeRequest('record:query', {database_id: ann.auth.currentUser._id, record_type: 'diary'}));
    const own = await ann.makeRequest('record:query', {database_id: ann.auth.currentUser._id, record_type: 'diary'});
    assert.equal(own.result.length, 1);
    await itemFails(110, bob.privateDB.delete(page));
    page.text = 'changed';
    await ann.privateDB.save(page);
    await ann.privateDB.delete(page);
    assert.equal((await ann.privateDB.query(new Query(Diary))).length, 0);
  });

  await check('an answer of the cache comes first, then the server\'s', async () => {
    const query = items().equalTo('n', 1);
    await ann.publicDB.query(query);
    let cached;
    const fresh = await ann.publicDB.query(query, (result, isCached) => { cached = [fields(result, 'name'), isCached]; });
    assert.deepEqual(fields(fresh, 'name'), ['saw']);
    assert.deepEqual(cached, [['saw'], true]);
  });
});

// noAccess is for the owner only.
function noAccess(client) {
  const acl = new client.ACL();
  acl.setPublicNoAccess();
  return acl;
}
