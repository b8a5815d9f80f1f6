'use strict';
// Assets: contracts/usergrid.md 12.2, 11.

const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const {Asset, Entity, assert, check, flow, ask, anonymous, entity, http, ok, appToken, everything} = require('./sdk');

const size = 109055; // of the picture in the SDK's own suite

// jpeg is a picture as far as its first bytes tell.
function jpeg() {
  const bytes = Buffer.alloc(size);
  for (let i = 0; i < size; i++) bytes[i] = (i * 7919 + (i >> 8)) & 0xff;
  Buffer.from([0xff, 0xd8, 0xff, 0xe0, 0, 16, 0x4a, 0x46, 0x49, 0x46, 0, 1, 1, 0, 0, 1, 0, 1, 0, 0]).copy(bytes);
  Buffer.from([0xff, 0xd9]).copy(bytes, size - 2);
  return bytes;
}

flow(async () => {
  const client = anonymous(); // of a sandbox
  const picture = jpeg();
  const isPicture = (e) => {
    const about = e['file-metadata'];
    assert.deepEqual([about['content-type'], about['content-length']], ['image/jpeg', size]);
    assert.ok(Math.abs(Date.now() - about['last-modified']) < 60000, JSON.stringify(about));
    assert.ok(about.etag);
  };
  const download = (uuid, headers) => http('GET', `/nodejs/${uuid}`, {headers: Object.assign({Accept: 'image/jpeg'}, headers)});
  let uploaded;

  await check('POST of an asset makes an entity', async () => {
    const asset = new Asset('old_man', picture);
    assert.deepEqual([asset.contentType, asset.contentLength], ['image/jpeg', size]);
    uploaded = await entity(client, 'POST', 'nodejs', asset);
    isPicture(uploaded);
    assert.equal(uploaded.type, 'nodej');
    const back = await download(uploaded.uuid);
    assert.deepEqual([back.status, back.type], [200, 'image/jpeg']);
    assert.ok(back.bytes.equals(picture));
  });

  await check('an asset read from a stream', async () => {
    const file = path.join(fs.mkdtempSync(path.join(os.tmpdir(), 'asset-')), 'image.jpg');
    fs.writeFileSync(file, picture);
    const asset = new Asset('streamed', file);
    await new Promise((resolve) => fs.createReadStream(file).pipe(asset).on('finish', resolve));
    fs.rmSync(path.dirname(file), {recursive: true});
    isPicture(await entity(client, 'POST', 'nodejs', asset));
  });

  await check('PUT of an asset to an entity', async () => {
    const made = await entity(client, 'PUT', new Entity({type: 'nodejs', name: 'AssetTestPUT', color: 'red'}));
    const changed = await entity(client, 'PUT', made, new Asset('old_man', picture));
    assert.deepEqual([changed.uuid, changed.color, changed.name], [made.uuid, 'red', 'AssetTestPUT']);
    isPicture(changed);
    const replaced = await entity(client, 'PUT', made, new Asset('text', Buffer.from('plain text')));
    assert.equal(replaced['file-metadata']['content-length'], 10);
    assert.equal((await http('GET', `/nodejs/${made.uuid}`, {headers: {Accept: 'text/plain'}})).body, 'plain text');
  });

  await check('uploadAsset and downloadAsset of an entity', async () => {
    const made = new Entity({type: 'nodejs', info: 'attachAssetTest'});
    made.attachAsset(new Asset('old_man', picture));
    await ask(made, 'uploadAsset', client);
    isPicture(made);
    assert.ok(made.hasAsset);
    const [, loaded] = await ask(made, 'downloadAsset', client, 'image/jpeg');
    assert.deepEqual([loaded.asset.contentType, loaded.asset.contentLength], ['image/jpeg', size]);
    assert.ok(loaded.asset.data.equals(picture));
    await ask(made, 'remove', client);
    assert.equal((await download(made.uuid)).status, 404);
  });

  await check('the entity, where JSON is asked for', async () => {
    for (const accept of ['application/json', '*/*', 'image/jpeg, */*']) {
      const answer = await http('GET', `/nodejs/${uploaded.uuid}`, {headers: {Accept: accept}});
      assert.deepEqual([answer.status, answer.type.split(';')[0]], [200, 'application/json'], accept);
      isPicture(answer.body.entities[0]);
    }
  });

  await check('parts and times of the bytes', async () => {
    const part = await download(uploaded.uuid, {Range: 'bytes=10-19'});
    assert.deepEqual([part.status, part.headers.get('content-range')], [206, `bytes 10-19/${size}`]);
    assert.ok(part.bytes.equals(picture.subarray(10, 20)));
    const whole = await download(uploaded.uuid);
    assert.ok(whole.headers.get('etag'));
    const again = await download(uploaded.uuid, {'If-Modified-Since': whole.headers.get('last-modified')});
    assert.deepEqual([again.status, again.bytes.length], [304, 0]);
  });

  await check('parts of a form beside the file are properties', async () => {
    const form = new FormData();
    form.set('name', 'with a name');
    form.set('color', 'red');
    form.set('file', new Blob([picture]), 'ä.jpg');
    const made = (await ok('POST', '/nodejs', {body: form})).entities[0];
    assert.deepEqual([made.name, made.color], ['with a name', 'red']);
    isPicture(made);
  });

  await check('/assets and its data', async () => {
    const [user] = (await ok('POST', '/users', {json: {username: 'painter', password: 'secret'}})).entities;
    const asset = (await ok('POST', '/assets', {json: {name: 'pic', path: '/pictures/1', owner: user.uuid}})).entities[0];
    for (const [method, plural] of [['POST', 'assets'], ['PUT', 'asset']]) {
      await ok(method, `/${plural}/${asset.uuid}/data`, {body: picture, headers: {'Content-Type': 'application/octet-stream'}});
      const back = await http('GET', `/${plural}/${asset.uuid}/data`);
      assert.deepEqual([back.status, back.type, back.bytes.equals(picture)], [200, 'image/jpeg', true]);
    }
    for (const json of [{name: 'x', owner: user.uuid}, {name: 'x', path: '/p'}]) {
      const answer = await http('POST', '/assets', {json});
      assert.deepEqual([answer.status, answer.body.error], [400, 'required_property_not_found']);
    }
    const folder = (await ok('POST', '/folders', {json: {name: 'holiday', path: '/holiday', owner: user.uuid}})).entities[0];
    await ok('POST', `/folders/${folder.uuid}/assets/${asset.uuid}`, {json: {}});
    assert.deepEqual((await ok('GET', `/folders/${folder.uuid}/assets`)).entities.map((e) => e.uuid), [asset.uuid]);
    await ok('DELETE', `/folders/${folder.uuid}/assets/${asset.uuid}`);
    assert.deepEqual((await ok('GET', `/folders/${folder.uuid}/assets`)).entities, []);
  });

  await check('bytes are for those who may read the entity', async () => {
    const token = await appToken();
    await ok('DELETE', `/roles/guest/permissions?permission=${encodeURIComponent(everything)}`, {token});
    try {
      assert.equal((await download(uploaded.uuid)).status, 401);
      assert.equal((await http('GET', '/assets')).status, 401);
      assert.ok((await http('GET', `/nodejs/${uploaded.uuid}`, {token, headers: {Accept: 'image/jpeg'}})).bytes.equals(picture));
    } finally {
      await ok('POST', '/roles/guest/permissions', {json: {permission: everything}, token});
    }
  });
});
