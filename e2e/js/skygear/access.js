'use strict';
// Roles and who may do what with records: contracts/skygear.md 2.12, 4.5 to 4.7.

const {assert, check, flow, masterKey, open, signedUp, fails, itemFails, fields} = require('./sdk');

flow(async () => {
  const admin = await open({key: masterKey});
  const ann = await signedUp('ann');
  const bob = await signedUp('bob');
  const eve = await signedUp('eve');
  const guest = await open();
  const {Query, Record, Role, ACL} = ann;
  const Note = Record.extend('note');
  const [editor, viewer, boss] = ['Editor', 'Viewer', 'Boss'].map((name) => new Role(name));
  const id = (client) => client.auth.currentUser._id;
  const rolesOf = async (asker, client) => fields((await asker.auth.fetchUserRole([id(client)]))[id(client)], 'name').sort();

  // write makes a note of Ann's that says who may do what.
  const write = async (text, allow = () => {}) => {
    const acl = new ACL();
    acl.setPublicNoAccess();
    allow(acl);
    const note = new Note({text});
    note.access = acl;
    return ann.publicDB.save(note);
  };
  const sees = async (client, note) => (await client.publicDB.query(new Query(Note).equalTo('_id', note._id))).length === 1;
  const change = (client, note) => client.publicDB.save(new Note({_id: note.id, text: 'changed'}));

  await check('roles are assigned, revoked and fetched by whoever has the master key', async () => {
    assert.equal(await admin.auth.assignUserRole([ann.auth.currentUser, id(bob)], [editor, viewer]), 'OK');
    assert.equal(await admin.auth.assignUserRole([ann.auth.currentUser], [editor]), 'OK');
    assert.deepEqual(await rolesOf(admin, ann), ['Editor', 'Viewer']);
    assert.equal(await admin.auth.revokeUserRole([bob.auth.currentUser], [editor, new Role('Nobody has it')]), 'OK');
    assert.deepEqual(await rolesOf(admin, bob), ['Viewer']);
    const unknown = await admin.auth.fetchUserRole(['no such user']);
    assert.deepEqual(unknown, {'no such user': []});
  });

  await check('a user sees his own roles only', async () => {
    assert.deepEqual(await rolesOf(bob, bob), ['Viewer']);
    await fails(102, bob.auth.fetchUserRole([ann.auth.currentUser]));
    await fails(101, guest.auth.fetchUserRole([ann.auth.currentUser]));
    await fails(102, bob.auth.assignUserRole([bob.auth.currentUser], [editor]), 401);
    await fails(101, guest.auth.assignUserRole([ann.auth.currentUser], [editor]));
  });

  await check('admin roles and default roles need the master key', async () => {
    await fails(102, ann.auth.setAdminRole([editor]));
    await fails(102, guest.auth.setDefaultRole([editor]));
    assert.deepEqual(await admin.auth.setDefaultRole([viewer]), ['Viewer']);
    const carl = await signedUp('carl');
    assert.deepEqual(await rolesOf(carl, carl), ['Viewer']);
    assert.deepEqual(await rolesOf(eve, eve), []); // who came before
    assert.deepEqual(await admin.auth.setDefaultRole([]), []);
    const dora = await signedUp('dora');
    assert.deepEqual(await rolesOf(dora, dora), []);
  });

  await check('whoever has an admin role manages the others\' roles', async () => {
    assert.deepEqual(await admin.auth.setAdminRole([boss]), ['Boss']);
    await admin.auth.assignUserRole([eve.auth.currentUser], [boss]);
    assert.deepEqual(await rolesOf(eve, ann), ['Editor', 'Viewer']);
    await eve.auth.assignUserRole([bob.auth.currentUser], ['Singer']);
    assert.deepEqual(await rolesOf(bob, bob), ['Singer', 'Viewer']);
    await eve.auth.revokeUserRole([bob.auth.currentUser], ['Singer']);
    await admin.auth.revokeUserRole([eve.auth.currentUser], [boss]);
    await fails(102, eve.auth.assignUserRole([eve.auth.currentUser], [boss]), 401);
  });

  await check('a record without an ACL is every user\'s, until the SDK saves the one it has made up for it', async () => {
    const note = await ann.publicDB.save(new Note({text: 'open'}));
    assert.equal(note.ownerID, id(ann));
    for (const client of [ann, bob, guest]) assert.equal(await sees(client, note), true);
    await change(bob, note);
    await fails(101, change(guest, note));
    await ann.publicDB.save(await ann.publicDB.getRecordByID(note.id));
    await itemFails(102, change(bob, note));
    await itemFails(102, bob.publicDB.delete(note));
    for (const client of [bob, guest]) assert.equal(await sees(client, note), true);
    await change(ann, note);
  });

  await check('no public access leaves the owner, and the master key', async () => {
    const note = await write('mine');
    assert.equal(await sees(ann, note), true);
    for (const client of [bob, guest]) assert.equal(await sees(client, note), false);
    assert.equal(await sees(admin, note), true);
    await itemFails(102, change(bob, note));
    await change(admin, note);
    assert.equal((await ann.publicDB.getRecordByID(note.id)).text, 'changed');
    assert.equal((await ann.publicDB.getRecordByID(note.id)).ownerID, id(ann));
  });

  await check('public writing lets every user change and delete, but no guest', async () => {
    const note = await write('wall', (acl) => acl.setPublicReadWriteAccess());
    await change(bob, note);
    await fails(101, change(guest, note));
    assert.equal((await ann.publicDB.getRecordByID(note.id)).updatedBy, id(bob));
    assert.equal((await ann.publicDB.getRecordByID(note.id)).ownerID, id(ann));
    await bob.publicDB.delete(note);
    assert.equal(await sees(ann, note), false);
  });

  await check('a role grants reading or writing while it is held', async () => {
    const note = await write('for viewers', (acl) => { acl.setReadOnlyForRole(viewer); acl.setReadWriteAccessForRole(editor); });
    assert.equal(await sees(bob, note), true);
    assert.equal(await sees(eve, note), false);
    await itemFails(102, change(bob, note));
    await admin.auth.assignUserRole([eve.auth.currentUser], [editor]);
    await change(eve, note);
    await admin.auth.revokeUserRole([eve.auth.currentUser], [editor]);
    assert.equal(await sees(eve, note), false);
    await itemFails(102, change(eve, note));
  });

  await check('a user is granted reading or writing by name', async () => {
    const note = await write('for two', (acl) => { acl.setReadOnlyForUser(bob.auth.currentUser); acl.setReadWriteAccessForUser(eve.auth.currentUser); });
    const found = await bob.publicDB.getRecordByID(note.id);
    assert.equal(found.access.hasReadAccessForUser(bob.auth.currentUser), true);
    assert.equal(found.access.hasWriteAccessForUser(bob.auth.currentUser), false);
    assert.equal(found.access.hasWriteAccessForUser(eve.auth.currentUser), true);
    await itemFails(102, change(bob, note));
    await eve.publicDB.save(Object.assign(await eve.publicDB.getRecordByID(note.id), {text: 'by eve'}));
    const after = await ann.publicDB.getRecordByID(note.id);
    assert.equal(after.text, 'by eve');
    after.access.setNoAccessForUser(eve.auth.currentUser);
    await ann.publicDB.save(after);
    assert.equal(await sees(eve, note), false);
    assert.equal(await sees(bob, note), true);
  });

  await check('the count tells nothing of records that may not be read', async () => {
    const query = new Query(Note).equalTo('text', 'hidden from the count');
    query.overallCount = true;
    await write('hidden from the count');
    assert.equal((await ann.publicDB.query(query)).overallCount, 1);
    assert.equal((await guest.publicDB.query(query)).overallCount, 0);
  });

  await check('a type\'s default access holds for new records that say nothing', async () => {
    const Letter = Record.extend('letter');
    const acl = new ACL();
    acl.setPublicNoAccess();
    acl.setReadOnlyForRole(viewer);
    await fails(102, ann.publicDB.setRecordDefaultAccess(Letter, acl));
    assert.equal((await admin.publicDB.setRecordDefaultAccess(Letter, acl)).type, 'letter');
    // The SDK sends its own default; only a bare request says nothing.
    const [letter] = (await ann.makeRequest('record:save', {records: [{_id: 'letter/first', text: 'dear'}]})).result;
    assert.deepEqual(letter._access, [{role: 'Viewer', level: 'read'}]);
    const query = new Query(Letter);
    assert.equal((await bob.publicDB.query(query)).length, 1);
    assert.equal((await eve.publicDB.query(query)).length, 0);
    assert.equal((await guest.publicDB.query(query)).length, 0);
  });

  await check('creating a type may be for some roles only', async () => {
    const News = Record.extend('news');
    await fails(102, ann.publicDB.setRecordCreateAccess(News, [editor]));
    assert.deepEqual(await admin.publicDB.setRecordCreateAccess(News, [editor]), {type: 'news', create_roles: ['Editor']});
    await itemFails(102, bob.publicDB.save(new News({text: 'fake'})));
    const item = await ann.publicDB.save(new News({text: 'true'}));
    await ann.publicDB.save(Object.assign(item, {text: 'still true'}));
    await admin.publicDB.setRecordCreateAccess(News, []);
    await bob.publicDB.save(new News({text: 'anything'}));
  });

  await check('users are found by others, and changed by themselves only', async () => {
    const query = new Query(ann.UserRecord).equalTo('username', 'ANN');
    const [found] = await bob.publicDB.query(query);
    assert.equal(found.id, ann.auth.currentUser.id);
    assert.equal(found.username, 'ann');
    found.username = 'mallory';
    found.city = 'nowhere';
    await itemFails(102, bob.publicDB.save(found));
    const self = await ann.auth.whoami();
    assert.deepEqual([self.username, self.city], ['ann', undefined]);
    await fails(124, guest.publicDB.query(query)); // guests neither see nor compare names
    const [shown] = await guest.publicDB.query(new Query(ann.UserRecord).equalTo('_id', self._id));
    assert.equal(shown.username, undefined);
    assert.equal(shown.id, self.id);
  });
});
