'use strict';
// Assets: contracts/skygear.md 4.9.

const {assert, check, flow, apiKey, endPoint, open, signedUp} = require('./sdk');

flow(async () => {
  const ann = await signedUp('ann');
  const {Asset, Query, Record} = ann;
  const Picture = Record.extend('picture');
  const bytes = Buffer.concat([Buffer.from('\x89PNG\r\n\x1a\n', 'latin1'), Buffer.alloc(70_000, 7)]);
  let picture;

  const download = async (url, headers = {}) => {
    const response = await fetch(url, {headers});
    return {status: response.status, type: response.headers.get('content-type'), bytes: Buffer.from(await response.arrayBuffer())};
  };
  const refusal = async (url) => {
    const answer = await download(url);
    return [answer.status, JSON.parse(answer.bytes).error.code];
  };

  await check('an asset is uploaded by saving a record that has it', async () => {
    picture = new Picture({title: 'one', file: new Asset({name: 'a b?%#ü漢.png', file: bytes, contentType: 'image/png'})});
    await ann.publicDB.save(picture);
    assert.match(picture.file.name, /^[0-9a-f-]{36}-a b\?%#ü漢\.png$/);
    assert.equal(picture.file.contentType, 'image/png');
    assert.ok(picture.file.url.startsWith(`${endPoint}files/`), picture.file.url);
  });

  await check('whoever has the URL reads it, in whole and in part', async () => {
    const whole = await download(picture.file.url);
    assert.deepEqual([whole.status, whole.type], [200, 'image/png']);
    assert.equal(whole.bytes.compare(bytes), 0);
    const part = await download(picture.file.url, {Range: 'bytes=8-11'});
    assert.equal(part.status, 206);
    assert.deepEqual([...part.bytes], [7, 7, 7, 7]);
  });

  await check('an URL is signed', async () => {
    const url = new URL(picture.file.url);
    const altered = (change) => { const u = new URL(url); change(u.searchParams); return u.href; };
    assert.deepEqual(await refusal(altered((q) => q.delete('expiredAt'))), [400, 108]);
    assert.deepEqual(await refusal(altered((q) => q.set('expiredAt', '1000000000'))), [401, 106]);
    assert.deepEqual(await refusal(altered((q) => q.set('expiredAt', Number(q.get('expiredAt')) + 60))), [401, 106]);
    assert.deepEqual(await refusal(altered((q) => q.set('signature', 'AAAA'))), [401, 106]);
    assert.deepEqual(await refusal(altered((q) => q.delete('signature'))), [401, 106]);
  });

  await check('others get an URL of their own with the record, and keep the asset when they save it', async () => {
    const found = await (await open()).publicDB.getRecordByID(picture.id);
    assert.equal(found.file.name, picture.file.name);
    assert.equal((await download(found.file.url)).bytes.compare(bytes), 0);
    const mine = await ann.publicDB.getRecordByID(picture.id);
    mine.title = 'two';
    await ann.publicDB.save(mine);
    const [again] = await ann.publicDB.query(new Query(Picture).equalTo('title', 'two'));
    assert.equal(again.file.name, picture.file.name);
    assert.equal((await download(again.file.url)).status, 200);
  });

  await check('an asset is replaced, and taken away', async () => {
    const text = await ann.publicDB.uploadAsset(new Asset({name: 'note.txt', base64: Buffer.from('hello').toString('base64'), contentType: 'text/plain'}));
    picture.file = text;
    await ann.publicDB.save(picture);
    assert.equal((await download(picture.file.url)).bytes.toString(), 'hello');
    picture.file = null;
    await ann.publicDB.save(picture);
    assert.equal((await ann.publicDB.getRecordByID(picture.id)).file, undefined);
  });

  await check('a file is put as it is, too', async () => {
    const put = (name, body, key = apiKey) => fetch(`${endPoint}files/${name}`, {method: 'PUT', body, headers: {'X-Skygear-API-Key': key, 'Content-Type': 'text/plain'}});
    const answer = await put('plain.txt', 'as it is');
    assert.equal(answer.status, 200);
    const {result} = await answer.json();
    assert.equal(result.$type, 'asset');
    assert.equal((await download(result.$url)).bytes.toString(), 'as it is');
    assert.equal((await put('empty.txt', '')).status, 400);
    assert.equal((await put('x.txt', 'x', 'this key is wrong')).status, 401);
  });
});
