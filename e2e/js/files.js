'use strict';
// Files of data objects: contracts/syncano.md 2.9, decisions D7 and D12.

const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const crypto = require('node:crypto');
const {assert, Syncano, check, flow, connect, send, raw, refused, http, download, newInstance, newKey} = require('./flow');

flow(async () => {
  const {name, admin, path: base} = await newInstance('files');
  const {Class, DataObject} = admin;
  const key = admin.getAccountKey();
  const className = 'photo';
  const directory = fs.mkdtempSync(path.join(os.tmpdir(), 'files-'));
  const bytes = crypto.randomBytes(300000);
  const file = path.join(directory, 'Chell Portrait.JPG');
  fs.writeFileSync(file, bytes);
  const photos = () => DataObject.please({className});

  await Class.please().create({name: className, schema: [
    {name: 'title', type: 'string'}, {name: 'size', type: 'integer'}, {name: 'picture', type: 'file'}, {name: 'thumb', type: 'file'},
    {name: 'place', type: 'geopoint'}, {name: 'tags', type: 'array'},
  ]});

  const stored = async (field, expected) => {
    assert.equal(field.type, 'file');
    const got = await download(field.value);
    assert.equal(got.status, 200);
    assert.ok(got.bytes.equals(expected), `${got.bytes.length} bytes in place of ${expected.length}`);
  };

  let photo;
  await check('a file is uploaded from a path, with fields beside it', async () => {
    photo = await photos().create({title: 'path', size: bytes.length, picture: Syncano.file(file)});
    assert.equal(photo.title, 'path');
    assert.equal(photo.size, bytes.length);
    assert.equal(photo.thumb, null);
    assert.match(photo.picture.value, /^https?:\/\/[^/]+\/.+\/[0-9a-f]{40}\.jpg$/);
    await stored(photo.picture, bytes);
  });

  await check('a file is uploaded from a stream', async () => {
    const object = await photos().create({title: 'stream', picture: Syncano.file(fs.createReadStream(file))});
    await stored(object.picture, bytes);
  });

  await check('a file is uploaded from a buffer, which has no name', async () => {
    const object = await photos().create({title: 'buffer', picture: admin.file(fs.readFileSync(file))});
    await stored(object.picture, bytes);
    assert.match(object.picture.value, /\/[0-9a-f]{40}$/);
  });

  await check('an empty file and two files at once', async () => {
    const empty = path.join(directory, 'empty.txt');
    fs.writeFileSync(empty, '');
    const object = await photos().create({title: 'two', picture: Syncano.file(file), thumb: Syncano.file(empty)});
    await stored(object.picture, bytes);
    await stored(object.thumb, Buffer.alloc(0));
  });

  await check('other fields of a multipart body are understood by their types', async () => {
    const form = new FormData();
    form.set('title', 'form');
    form.set('size', '7');
    form.set('place', '{"latitude":1.5,"longitude":2}');
    form.set('tags', '["a","b"]');
    form.set('picture', new Blob(['small']), 'small.gif');
    const answer = await http('POST', `${base}/classes/photo/objects/`, {key, form});
    assert.equal(answer.status, 201);
    assert.deepEqual([answer.body.title, answer.body.size, answer.body.tags], ['form', 7, ['a', 'b']]);
    assert.deepEqual(answer.body.place, {type: 'geopoint', longitude: 2, latitude: 1.5});
    await stored(answer.body.picture, Buffer.from('small'));
  });

  await check('a file is fetched in part, and has a type that no browser runs', async () => {
    const part = await fetch(photo.picture.value, {headers: {Range: 'bytes=10-19'}});
    assert.equal(part.status, 206);
    assert.ok(Buffer.from(await part.arrayBuffer()).equals(bytes.subarray(10, 20)));
    const page = path.join(directory, 'page.html');
    fs.writeFileSync(page, '<script>alert(1)</script>');
    const object = await photos().create({title: 'page', picture: Syncano.file(page)});
    const got = await fetch(object.picture.value);
    assert.equal(got.headers.get('x-content-type-options'), 'nosniff');
    const runs = /html/.test(got.headers.get('content-type')) && !/attachment|sandbox/.test(`${got.headers.get('content-disposition')} ${got.headers.get('content-security-policy')}`);
    assert.equal(runs, false);
  });

  await check('a replaced file is gone, the new one is there', async () => {
    const old = photo.picture.value;
    const changed = await raw(photos().update({id: photo.id}, {picture: Syncano.file(fs.readFileSync(file).subarray(0, 1000))}));
    assert.notEqual(changed.picture.value, old);
    assert.equal(changed.title, 'path');
    assert.equal(changed.revision, photo.revision + 1);
    await stored(changed.picture, bytes.subarray(0, 1000));
    assert.equal((await download(old)).status, 404);
    photo = changed;
  });

  await check('an object with a file is saved back and keeps it', async () => {
    const model = await send(photos().get({id: photo.id}));
    model.title = 'saved';
    const saved = await model.save();
    assert.equal(saved.title, 'saved');
    await stored(saved.picture, bytes.subarray(0, 1000));
    photo = await raw(photos().get({id: photo.id}));
  });

  await check('the URL of a file in another object copies it', async () => {
    const copy = await photos().create({title: 'copy', picture: photo.picture.value});
    assert.notEqual(copy.picture.value, photo.picture.value);
    await stored(copy.picture, bytes.subarray(0, 1000));
    await copy.delete();
    await stored(photo.picture, bytes.subarray(0, 1000));
    await refused(400, photos().create({title: 'foreign', picture: 'http://example.com/x.jpg'}), {picture: ['File URL is invalid.']});
  });

  await check('null deletes the file, and so does deleting the object', async () => {
    const cleared = await raw(photos().update({id: photo.id}, {picture: null}));
    assert.strictEqual(cleared.picture, null);
    assert.equal((await download(photo.picture.value)).status, 404);
    const object = await photos().create({title: 'short', picture: Syncano.file(file)});
    await object.delete();
    assert.equal((await download(object.picture.value)).status, 404);
  });

  await check('text is no file, a long extension is refused', async () => {
    await refused(400, photos().create({title: 'text', picture: 'just text'}));
    const form = new FormData();
    form.set('picture', new Blob(['x']), `x.${'e'.repeat(17)}`);
    const answer = await http('POST', `${base}/classes/photo/objects/`, {key, form});
    assert.equal(answer.status, 400);
    assert.deepEqual(Object.keys(answer.body), ['picture']);
  });

  await check('a user uploads to his profile, as in the curl sample too', async () => {
    await raw(Class.please().update({name: 'user_profile'}, {schema: [{name: 'avatar', type: 'file'}]}));
    const apiKey = await newKey(admin, {allow_user_create: true});
    const user = await connect({apiKey}, {instanceName: name}).User.please().create({username: 'chell', password: 'x'});
    const me = connect({apiKey, userKey: user.user_key}, {instanceName: name});
    const profile = await raw(me.DataObject.please().update({className: 'user_profile', id: user.profile.id}, {avatar: Syncano.file(file)}));
    await stored(profile.avatar, bytes);

    // The seed's curl line sends the parts `name=avatar` and `filename=@file`.
    const form = new FormData();
    form.set('name', 'avatar');
    form.set('filename', new Blob(['new face']), 'face.png');
    const answer = await http('PATCH', `${base}/classes/user_profile/objects/${user.profile.id}/`, {key: apiKey, userKey: user.user_key, form});
    assert.equal(answer.status, 200);
    await stored(answer.body.avatar, Buffer.from('new face'));
    assert.equal((await download(profile.avatar.value)).status, 404);
  });
});
