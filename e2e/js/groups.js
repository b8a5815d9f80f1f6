'use strict';
// Groups and memberships: contracts/syncano.md 2.7.

const {assert, check, flow, connect, send, raw, refused, http, newInstance, newKey, denied, notFound, ids} = require('./flow');

flow(async () => {
  const {name, admin, path} = await newInstance('groups');
  const {Group, User, Class} = admin;
  const user = await User.please().create({username: 'gordon', password: 'x'});
  const other = await User.please().create({username: 'barney', password: 'x'});
  let group;

  await check('a group is created, listed, read and changed', async () => {
    group = await Group.please().create({label: 'scientists', description: 'white coats'});
    assert.equal(group.links.self, `${path}/groups/${group.id}/`);
    assert.equal(group.links.users, `${path}/groups/${group.id}/users/`);
    const row = await raw(Group.please().get({id: group.id}));
    assert.deepEqual(Object.keys(row).sort(), ['description', 'id', 'label', 'links', 'name']);
    assert.equal(row.name, null);
    const changed = await raw(Group.please().update({id: group.id}, {label: 'survivors'}));
    assert.equal(changed.label, 'survivors');
    assert.equal(changed.description, 'white coats');
    const model = await send(Group.please().get({id: group.id}));
    model.description = 'orange suits';
    assert.equal((await model.save()).description, 'orange suits');
    const second = await Group.please().create({label: 'survivors'});
    assert.deepEqual(ids(await send(Group.please().list())), [group.id, second.id]);
    const found = await http('GET', `${path}/groups/?label__startswith=surv`, {key: admin.getAccountKey()});
    assert.equal(found.body.objects.length, 2);
    await second.delete();
    await refused(404, Group.please().get({id: second.id}).request(), notFound);
  });

  await check('a user joins from the side of the group', async () => {
    const added = await Group.please().addUser({id: group.id}, {user: user.id});
    assert.equal(added.username, 'gordon');
    await refused(400, Group.please().addUser({id: group.id}, {user: user.id}), {detail: "User is already a part of that group."});
    await refused(400, Group.please().addUser({id: group.id}, {user: 999}), {user: ['Invalid pk "999" - object does not exist.']});
    const members = await Group.please().users({id: group.id});
    assert.deepEqual(members.map((m) => m.username), ['gordon']);
    const one = await Group.please().getUserDetails({id: group.id}, {user: user.id});
    assert.equal(one.id, user.id);
    assert.ok(one.profile);
    await refused(404, Group.please().getUserDetails({id: group.id}, {user: other.id}), notFound);
  });

  await check('a user joins from his own side', async () => {
    const joined = await User.please().addGroup({user: other.id}, {group: group.id});
    assert.equal(joined.label, 'survivors');
    const groups = await User.please().getGroups({user: other.id});
    assert.deepEqual(ids(groups), [group.id]);
    const one = await User.please().getGroup({user: other.id}, {id: group.id});
    assert.equal(one.label, 'survivors');
    const model = await send(User.please().get({id: other.id}));
    assert.deepEqual(ids(await model.getGroups()), [group.id]);
    assert.deepEqual(ids(model.groups), [group.id]);
  });

  await check('the rows of a membership have their links', async () => {
    const key = admin.getAccountKey();
    const byGroup = await http('GET', `${path}/groups/${group.id}/users/`, {key});
    assert.deepEqual(Object.keys(byGroup.body.objects[0]).sort(), ['links', 'user']);
    assert.equal(byGroup.body.objects[0].links.self, `${path}/groups/${group.id}/users/${user.id}/`);
    const byUser = await http('GET', `${path}/users/${user.id}/groups/`, {key});
    assert.deepEqual(byUser.body.objects, [{
      group: {id: group.id, name: null, label: 'survivors', description: 'orange suits', links: {self: `${path}/groups/${group.id}/`, users: `${path}/groups/${group.id}/users/`}},
      links: {self: `${path}/users/${user.id}/groups/${group.id}/`},
    }]);
  });

  await check('members open what the group may open', async () => {
    const apiKey = await newKey(admin);
    const as = (userKey) => connect({apiKey, userKey}, {instanceName: name});
    const stranger = await User.please().create({username: 'breen', password: 'x'});
    await Class.please().create({name: 'plans', group: group.id, group_permissions: 'create_objects', other_permissions: 'none', schema: [{name: 'text', type: 'string'}]});
    const plan = await as(user.user_key).DataObject.please().create({className: 'plans', text: 'teleport', group: group.id, group_permissions: 'write'});
    assert.equal(plan.group, group.id);
    assert.equal(plan.links.group, `${path}/groups/${group.id}/`);
    const changed = await raw(as(other.user_key).DataObject.please().update({className: 'plans', id: plan.id}, {text: 'teleport again'}));
    assert.equal(changed.text, 'teleport again');
    await refused(403, as(other.user_key).DataObject.please().delete({className: 'plans', id: plan.id}).request(), denied);
    await refused(403, as(stranger.user_key).DataObject.please().list({className: 'plans'}).request(), denied);
    await refused(404, as(stranger.user_key).Class.please().get({name: 'plans'}).request());
    assert.equal((await raw(as(user.user_key).Class.please().get({name: 'plans'}))).name, 'plans');

    // A member sees himself in the group, and only his own groups.
    const mine = await raw(as(user.user_key).Group.please().list());
    assert.deepEqual(ids(mine.objects), [group.id]);
    const members = await http('GET', `${path}/groups/${group.id}/users/`, {key: apiKey, userKey: user.user_key});
    assert.deepEqual(members.body.objects.map((m) => m.user.id), [user.id]);
    assert.equal((await http('GET', `${path}/users/${other.id}/groups/`, {key: apiKey, userKey: user.user_key})).status, 403);
    assert.equal((await http('POST', `${path}/groups/${group.id}/users/`, {key: apiKey, userKey: user.user_key, json: {user: stranger.id}})).status, 403);
  });

  await check('a user leaves', async () => {
    await send(Group.please().deleteUser({id: group.id}, {user: user.id}));
    await refused(404, Group.please().getUserDetails({id: group.id}, {user: user.id}), notFound);
    assert.equal((await http('DELETE', `${path}/users/${other.id}/groups/${group.id}/`, {key: admin.getAccountKey()})).status, 204);
    assert.deepEqual((await raw(User.please().get({id: other.id}))).groups, []);
  });

  await check('a deleted group leaves its class and objects', async () => {
    await send(Group.please().delete({id: group.id}));
    assert.equal((await raw(Class.please().get({name: 'plans'}))).group, null);
    const objects = await raw(admin.DataObject.please().list({className: 'plans'}));
    assert.deepEqual(objects.objects.map((o) => o.group), [null]);
  });

  await check('unknown parents are named', async () => {
    await refused(404, Group.please().users({id: 999}), {detail: 'Group was not found.'});
    await refused(404, User.please().getGroups({user: 999}), {detail: 'User was not found.'});
  });
});
