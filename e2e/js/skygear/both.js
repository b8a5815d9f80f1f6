'use strict';
// One app through two clients, Syncano's and Skygear's: users, profiles, sessions and grants are the same ones.

const {connect, raw, send, refused} = require('../flow');
const {assert, check, flow, apiKey, masterKey, open, signedUp, fails, itemFails, fields} = require('./sdk');

const instanceName = process.env.APP;
const syncano = () => connect({apiKey}, {instanceName});

flow(async () => {
  const admin = await open({key: masterKey});
  const ann = await signedUp('Ann', {city: 'Macau', level: 3, born: new Date('2000-01-02T03:04:05Z')});
  const anns = syncano(); // signed in below

  await check('who signed up through Skygear logs in through Syncano, with the data as profile', async () => {
    const user = await anns.User.please().login({}, {username: 'ann', password: 'secret'});
    assert.equal(user.username, 'Ann');
    assert.deepEqual([user.profile.city, user.profile.level], ['Macau', 3]);
    assert.deepEqual(user.profile.born, {type: 'datetime', value: '2000-01-02T03:04:05.000000Z'});
    await refused(401, syncano().User.please().login({}, {username: 'Ann', password: 'wrong'}));
  });

  await check('who signed up through Syncano logs in through Skygear, with the profile as data', async () => {
    const user = await syncano().User.please().create({username: 'Bob', password: 'p1', profile: {city: 'Taipei', level: 4}});
    const bob = await open();
    const found = await bob.auth.loginWithUsername('BOB', 'p1');
    assert.deepEqual([found.username, found.city, found.level], ['Bob', 'Taipei', 4]);
    assert.equal(found.ownerID, found._id);
    assert.equal(user.profile.city, 'Taipei');
    await fails(105, bob.auth.loginWithUsername('Bob', 'wrong'));
  });

  await check('a name is taken in both', async () => {
    await fails(109, (await open()).auth.signupWithUsername('bOB', 'x'));
    await refused(400, syncano().User.please().create({username: 'aNN', password: 'x'}), {username: ['This field must be unique.']});
  });

  await check('profiles and names change in both', async () => {
    const self = ann.auth.currentUser;
    self.city = 'Lisbon';
    self.username = 'Anna';
    await ann.publicDB.save(self);
    const seen = await raw(anns.User.please().get());
    assert.deepEqual([seen.username, seen.profile.city], ['Anna', 'Lisbon']);
    await raw(anns.User.please().update({}, {username: 'Anne', profile: {level: 5}}));
    const after = await ann.auth.whoami();
    assert.deepEqual([after.username, after.city, after.level], ['Anne', 'Lisbon', 5]);
  });

  await check('grants that Skygear\'s client sets hold for Syncano\'s', async () => {
    const bob = await open();
    await bob.auth.loginWithUsername('Bob', 'p1');
    const Note = ann.Record.extend('note');
    const write = (title, allow) => {
      const note = new Note({title});
      note.access = new ann.ACL();
      note.setPublicNoAccess();
      allow(note);
      return bob.publicDB.save(note);
    };
    await write('own', () => {});
    await write('shown', (note) => note.setPublicReadOnly());
    await write('shared', (note) => note.setReadWriteAccessForUser(ann.auth.currentUser));
    await write('peers', (note) => note.setReadOnlyForRole(new ann.Role('Peer')));
    const list = async () => (await raw(anns.DataObject.please({className: 'note'}).list())).objects;
    assert.deepEqual(fields(await list(), 'title').sort(), ['shared', 'shown']);
    await admin.auth.assignUserRole([ann.auth.currentUser], ['Peer']);
    const objects = await list();
    assert.deepEqual(fields(objects, 'title').sort(), ['peers', 'shared', 'shown']);
    const change = (title) => anns.DataObject.please().update({className: 'note', id: objects.find((o) => o.title === title).id}, {title}).request();
    await change('shared');
    await refused(403, change('shown'));
    await refused(403, change('peers'));
  });

  await check('and the other way round', async () => {
    const Note = ann.Record.extend('note');
    const hers = await anns.DataObject.please().create({className: 'note', title: 'hers'});
    const shown = await anns.DataObject.please().create({className: 'note', title: 'hers, shown', other_permissions: 'read'});
    assert.ok(hers.owner && shown.owner);
    const bob = await open();
    await bob.auth.loginWithUsername('Bob', 'p1');
    const find = async (client) => fields(await client.publicDB.query(new ann.Query(Note).like('title', 'hers%').addAscending('title')), 'title');
    assert.deepEqual(await find(ann), ['hers', 'hers, shown']);
    assert.deepEqual(await find(bob), ['hers, shown']);
    const [found] = await bob.publicDB.query(new ann.Query(Note).equalTo('title', 'hers, shown'));
    await itemFails(102, bob.publicDB.save(new Note({_id: found.id, title: 'his'})));
    await ann.publicDB.save(new Note({_id: found.id, title: 'hers, changed'}));
    assert.equal((await raw(anns.DataObject.please().get({className: 'note', id: shown.id}))).title, 'hers, changed');
  });

  await check('a password change through Skygear rotates the user key', async () => {
    const old = anns.getUserKey();
    await ann.auth.changePassword('secret', 'second');
    await refused(403, anns.User.please().get().request());
    await refused(401, syncano().User.please().login({}, {username: 'Anne', password: 'secret'}));
    await anns.User.please().login({}, {username: 'Anne', password: 'second'});
    assert.notEqual(anns.getUserKey(), old);
  });

  await check('a password change through Syncano counts in Skygear', async () => {
    const changed = await raw(anns.User.please().update({}, {password: 'third'}));
    assert.notEqual(changed.user_key, anns.getUserKey());
    anns.setUserKey(changed.user_key);
    const other = await open();
    await fails(105, other.auth.loginWithUsername('Anne', 'second'));
    await other.auth.loginWithUsername('Anne', 'third');
  });

  await check('who is disabled is refused by both, and who is enabled is back in both', async () => {
    await admin.auth.adminDisableUser(ann.auth.currentUser, 'banned');
    await fails(127, ann.auth.whoami());
    await fails(127, (await open()).auth.loginWithUsername('Anne', 'third'));
    await refused(403, anns.User.please().get().request());
    await refused(403, syncano().User.please().login({}, {username: 'Anne', password: 'third'}));
    await admin.auth.adminEnableUser(ann.auth.currentUser);
    await ann.auth.whoami();
    assert.equal((await send(anns.User.please().get())).username, 'Anne');
  });
});
