'use strict';
// Relations between users: contracts/skygear.md 4.8.

const {assert, check, flow, open, signedUp, fails} = require('./sdk');

flow(async () => {
  const ann = await signedUp('ann');
  const bob = await signedUp('bob');
  const cid = await signedUp('cid');
  const [annID, bobID, cidID] = [ann, bob, cid].map((client) => client.auth.currentUser._id);
  const user = (client, id) => client.publicDB.getRecordByID(`user/${id}`);
  const ids = (users) => Array.from(users, (u) => u._id);
  const {Following, Follower, Friend} = ann.relation;

  await check('a user follows others', async () => {
    const result = await ann.relation.add(new Following([await user(ann, bobID), await user(ann, cidID)]));
    assert.equal(result.partialError, false);
    assert.deepEqual(ids(result.success), [bobID, cidID]);
    assert.equal(result.success[0].username, 'bob');
    const following = await ann.relation.queryFollowing();
    assert.deepEqual([ids(following), following.overallCount], [[bobID, cidID], 2]);
    assert.deepEqual(ids(await bob.relation.queryFollower()), [annID]);
    assert.deepEqual(ids(await bob.relation.queryFollowing()), []);
  });

  await check('a page of them', async () => {
    const query = new ann.relation.Query(Following);
    query.limit = 1;
    query.page = 1;
    const page = await ann.relation.query(query);
    assert.deepEqual([ids(page), page.overallCount], [[cidID], 2]);
  });

  await check('friends are so both ways', async () => {
    await ann.relation.add(new Friend([await user(ann, bobID)]));
    assert.deepEqual(ids(await ann.relation.queryFriend()), []);
    await bob.relation.add(new bob.relation.Friend([await user(bob, annID)]));
    assert.deepEqual(ids(await ann.relation.queryFriend()), [bobID]);
    assert.deepEqual(ids(await bob.relation.queryFriend()), [annID]);
  });

  await check('records of related users', async () => {
    const Post = ann.Record.extend('post');
    await bob.publicDB.save(new Post({text: 'bob'}));
    await cid.publicDB.save(new Post({text: 'cid'}));
    const texts = async (client, change) => {
      const query = new client.Query(Post);
      change(query);
      query.addAscending('text');
      return Array.from(await client.publicDB.query(query), (post) => post.text);
    };
    assert.deepEqual(await texts(ann, (q) => q.havingRelation('_owner', Following)), ['bob', 'cid']);
    assert.deepEqual(await texts(ann, (q) => q.havingRelation('_owner', Friend)), ['bob']);
    assert.deepEqual(await texts(ann, (q) => q.notHavingRelation('_owner', Friend)), ['cid']);
    assert.deepEqual(await texts(ann, (q) => q.havingRelation('_owner', Follower)), []);
    assert.deepEqual(await texts(await open(), (q) => q.havingRelation('_owner', Following)), []);
  });

  await check('a relation ends', async () => {
    const result = await ann.relation.remove(new Following([await user(ann, bobID)]));
    assert.deepEqual([result.success, result.partialError], [[bobID], false]);
    assert.deepEqual(ids(await ann.relation.queryFollowing()), [cidID]);
    assert.deepEqual(ids(await bob.relation.queryFollower()), []);
  });

  await check('without a user there are none', async () => {
    await fails(101, (await open()).relation.queryFriend());
  });
});
