'use strict';
// Several requests in one: contracts/syncano.md 2.10, through `BatchManager` of the client.

const {assert, check, flow, connect, raw, refused, http, newInstance, newKey} = require('./flow');

flow(async () => {
  const {name, admin, path} = await newInstance('batch');
  const {Class, DataObject, BatchManager} = admin;
  const key = admin.getAccountKey();
  const className = 'jobs';
  await Class.please().create({name: className, schema: [{name: 'title', type: 'string'}, {name: 'n', type: 'integer'}]});
  const job = (title, n) => DataObject({instanceName: name, className, title, n});
  const post = (requests, keys = {key}) => http('POST', `${path}/batch/`, Object.assign({json: {requests}}, keys));

  await check('ten objects are created at once, in order', async () => {
    const answers = await BatchManager().addObjectsFromArray(Array.from({length: 10}, (_, i) => job(`job ${i}`, i)), 'create').batch();
    assert.equal(answers.length, 10);
    answers.forEach((answer, i) => {
      assert.equal(answer.code, 201);
      assert.equal(answer.content.id, i + 1);
      assert.equal(answer.content.title, `job ${i}`);
    });
  });

  await check('creating, changing and deleting are mixed, and one failure stops nothing', async () => {
    const answers = await BatchManager().addObjects(
      {object: DataObject({instanceName: name, className, id: 1, title: 'changed'}), action: 'update'},
      {object: job('wrong', 'many'), action: 'create'},
      {object: DataObject({instanceName: name, className, id: 2}), action: 'delete'},
      {object: DataObject({instanceName: name, className, id: 999}), action: 'delete'},
      {object: job('eleven', 11), action: 'create'},
    ).batch();
    assert.deepEqual(answers.map((a) => a.code), [200, 400, 204, 404, 201]);
    assert.equal(answers[0].content.title, 'changed');
    assert.deepEqual(Object.keys(answers[1].content), ['n']);
    assert.equal('content' in answers[2], false);
    assert.deepEqual(answers[3].content, {detail: 'Not found.'});
    const count = await raw(DataObject.please().list({className}).count());
    assert.equal(count.objects_count, 10);
  });

  await check('every kind of resource goes through', async () => {
    const answer = await post([
      {method: 'POST', path: `${path}/users/`, body: {username: 'Gordon', password: 'x'}},
      {method: 'GET', path: `${path.replace(name, name.toUpperCase())}/users/?page_size=1`},
      {method: 'PATCH', path: `${path}/classes/jobs/`, body: {description: 'work'}},
      {method: 'GET', path: `${path}/classes/jobs/objects/?query=${encodeURIComponent('{"id":{"_eq":1}}')}`},
    ]);
    assert.equal(answer.status, 200);
    assert.deepEqual(answer.body.map((a) => a.code), [201, 200, 200, 200]);
    assert.equal(answer.body[1].content.objects[0].username, 'Gordon');
    assert.equal(answer.body[3].content.objects.length, 1);
  });

  await check('each request has the rights of the whole', async () => {
    const apiKey = await newKey(admin, {allow_user_create: true});
    const answer = await post([
      {method: 'POST', path: `${path}/users/`, body: {username: 'Barney', password: 'x'}},
      {method: 'GET', path: `${path}/users/`},
      {method: 'DELETE', path: `${path}/classes/jobs/`},
    ], {key: apiKey});
    assert.deepEqual(answer.body.map((a) => a.code), [201, 403, 403]);
  });

  await check('fifty is the end', async () => {
    const request = {method: 'GET', path: `${path}/users/`};
    assert.throws(() => BatchManager().addObjectsFromArray(Array.from({length: 51}, () => job('x', 1)), 'create'));
    const answer = await post(Array.from({length: 51}, () => request));
    assert.deepEqual([answer.status, answer.body], [400, {detail: 'Max requests per batch exceeded (50).'}]);
    assert.equal((await post(Array.from({length: 50}, () => request))).body.length, 50);
  });

  await check('it stays in its instance and version', async () => {
    const other = await newInstance('batch');
    const outside = ['Path needs to point to an endpoint within current instance and API version.'];
    for (const foreign of [`/v1.1/instances/${other.name}/users/`, `/v1/instances/${name}/users/`, '/v1.1/account/']) {
      const answer = await post([{method: 'GET', path: `${path}/users/`}, {method: 'GET', path: foreign}]);
      assert.deepEqual([answer.status, answer.body], [400, {requests: [{}, {path: outside}]}], foreign);
    }
    const nested = await post([{method: 'POST', path: `${path}/batch/`, body: {requests: []}}]);
    assert.ok(nested.status === 400 || nested.body[0].code >= 400, JSON.stringify(nested.body));
    assert.equal((await post([{method: 'GET', path: `${path}/users`}])).status, 400);
    assert.equal((await post([{method: 'BREW', path: `${path}/users/`}])).status, 400);
    assert.equal((await post('none')).status, 400);
    await refused(403, connect({}, {instanceName: name}).BatchManager().addSingleObject(job('x', 1), 'create').batch());
  });
});
