'use strict';
// Admins and invitations: contracts/syncano.md 2.1 and 2.2.

const {assert, check, flow, connect, send, raw, refused, owner, guest, newInstance, denied, timestamp} = require('./flow');

flow(async () => {
  const {name, admin, path} = await newInstance('admins');
  const {Admin, InstanceInvitation} = admin;
  const visitor = connect({accountKey: guest.accountKey}, {instanceName: name});
  let invitation;
  let ownerId;
  let guestId;

  await check('the owner is the first admin and cannot be changed', async () => {
    const admins = await raw(Admin.please().list());
    assert.equal(admins.objects.length, 1);
    const [row] = admins.objects;
    assert.equal(row.email, owner.email);
    assert.equal(row.role, 'full');
    assert.deepEqual(Object.keys(row).sort(), ['email', 'first_name', 'id', 'last_name', 'links', 'role']);
    ownerId = row.id;
    assert.equal(row.links.self, `${path}/admins/${ownerId}/`);
    await refused(403, Admin.please().update({id: ownerId}, {role: 'read'}).request(), denied);
    await refused(403, Admin.please().delete({id: ownerId}).request(), denied);
  });

  await check('somebody is invited', async () => {
    invitation = await InstanceInvitation.please().create({email: guest.email, role: 'read'});
    assert.equal(invitation.email, guest.email);
    assert.equal(invitation.role, 'read');
    assert.equal(invitation.state, 'new');
    assert.equal(invitation.inviter, owner.email);
    assert.match(invitation.key, /^[0-9a-f]{40}$/);
    assert.equal(invitation.links.resend, `${path}/invitations/${invitation.id}/resend/`);
    const list = await raw(InstanceInvitation.please().list());
    assert.equal(list.objects.length, 1);
    assert.match(list.objects[0].created_at, timestamp);
    assert.equal((await raw(InstanceInvitation.please().get({id: invitation.id}))).key, invitation.key);
    await send(InstanceInvitation.please().resend({id: invitation.id}));
    await refused(400, InstanceInvitation.please().create({email: guest.email, role: 'full'}),
      {detail: 'Admin with specified Email already has an invitation created.'});
    await refused(404, InstanceInvitation.please().get({id: null}).request());
  });

  await check('he is outside until he accepts, then inside with the role', async () => {
    await refused(403, visitor.Class.please().list().request(), denied);
    const mine = await raw(visitor.Invitation.please().list());
    const row = mine.objects.find((i) => i.id === invitation.id);
    assert.equal(row.instance, name);
    assert.equal(row.key, invitation.key);
    await refused(400, visitor.Invitation.please().accept('a'.repeat(40)).request(), {invitation_key: 'Invitation not found.'});
    await raw(visitor.Invitation.please().accept(invitation.key));
    assert.equal((await raw(visitor.Class.please().list())).objects.length, 1);
    assert.equal((await raw(visitor.Instance.please().get({name}))).role, 'read');
    assert.equal((await raw(visitor.Invitation.please().list())).objects.some((i) => i.id === invitation.id), false);
    const admins = await raw(Admin.please().list());
    assert.deepEqual(admins.objects.map((a) => [a.email, a.role]), [[owner.email, 'full'], [guest.email, 'read']]);
    guestId = admins.objects[1].id;
    await refused(400, InstanceInvitation.please().create({email: guest.email, role: 'full'}),
      {email: 'Admin with specified Email is already a part of this Instance.'});
  });

  await check('read reads, write writes, full manages, nobody but the owner deletes', async () => {
    await refused(403, visitor.Class.please().create({name: 'notes'}), denied);
    await refused(403, visitor.ApiKey.please().list().request(), denied);

    assert.equal((await raw(Admin.please().update({id: guestId}, {role: 'write'}))).role, 'write');
    await visitor.Class.please().create({name: 'notes'});
    await visitor.User.please().create({username: 'wheatley', password: 'space'});
    await refused(403, visitor.ApiKey.please().create({}), denied);
    await refused(403, visitor.Instance.please().update({name}, {description: 'x'}).request(), denied);
    await refused(403, visitor.Admin.please().update({id: guestId}, {role: 'full'}).request(), denied);

    assert.equal((await raw(Admin.please().update({id: guestId}, {role: 'full'}))).role, 'full');
    await visitor.ApiKey.please().create({});
    await raw(visitor.Instance.please().update({name}, {description: 'x'}));
    await refused(403, visitor.Instance.please().rename({name}, {new_name: 'another-name'}).request(), denied);
    await refused(403, visitor.Instance.please().delete({name}).request(), denied);
    await refused(403, visitor.Admin.please().delete({id: ownerId}).request(), denied);
  });

  await check('an admin is read, leaves, and is outside again', async () => {
    const row = await raw(Admin.please().get({id: guestId}));
    assert.equal(row.email, guest.email);
    await send(visitor.Admin.please().delete({id: guestId}));
    await refused(403, visitor.Class.please().list().request(), denied);
    await refused(404, Admin.please().get({id: guestId}).request());
  });

  await check('an invitation is declined, renewed and withdrawn', async () => {
    const first = await InstanceInvitation.please().create({email: guest.email, role: 'write'});
    await send(visitor.Invitation.please().delete({id: first.id}));
    assert.equal((await raw(InstanceInvitation.please().get({id: first.id}))).state, 'declined');
    const second = await InstanceInvitation.please().create({email: guest.email, role: 'write'});
    assert.equal(second.state, 'new');
    await send(InstanceInvitation.please().delete({id: second.id}));
    await refused(404, InstanceInvitation.please().get({id: second.id}).request());
    await refused(400, visitor.Invitation.please().accept(second.key).request(), {invitation_key: 'Invitation not found.'});
  });
});
