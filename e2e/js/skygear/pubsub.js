'use strict';
// Channels: contracts/skygear.md 5.1 and 6.

const {assert, check, flow, apiKey, endPoint, open} = require('./sdk');

// connected opens both sockets of a client and waits for the one that its channels use.
async function connected() {
  const client = await open();
  const opened = new Promise((resolve) => client.pubsub.onOpen(resolve));
  client.pubsub.autoPubsub = true;
  await client.config({endPoint, apiKey});
  await opened;
  return client;
}

// subscribed gives what comes in a channel, once the server has taken the subscription: a client hears itself. All that was
// published before has come by then.
async function subscribed(client, channel) {
  const heard = [];
  await new Promise((resolve) => {
    client.pubsub.on(channel, (data) => (data.ready ? resolve() : heard.push(data)));
    client.pubsub.publish(channel, {ready: true});
  });
  return heard;
}

flow(async () => {
  const ann = await connected();
  const bob = await connected();

  await check('whoever listens to a channel hears what is published there, and the publisher, too', async () => {
    const anns = await subscribed(ann, 'news');
    const bobs = await subscribed(bob, 'news');
    const other = await subscribed(bob, 'weather');
    ann.pubsub.publish('news', {n: 1, text: '<ü>', list: [null, true]});
    ann.pubsub.publish('news', {n: 2});
    const both = new Promise((resolve) => bob.pubsub.on('news', (data) => data.n === 2 && resolve()));
    await both;
    await subscribed(ann, 'after');
    assert.deepEqual(bobs, [{n: 1, text: '<ü>', list: [null, true]}, {n: 2}]);
    assert.deepEqual(anns, bobs);
    assert.deepEqual(other, []);
  });

  await check('whoever has left a channel hears nothing more', async () => {
    const bobs = await subscribed(bob, 'room');
    bob.pubsub.off('room');
    await subscribed(bob, 'hall');
    const anns = await subscribed(ann, 'room');
    ann.pubsub.publish('room', {n: 1});
    await subscribed(ann, 'hall');
    await subscribed(bob, 'hall');
    assert.deepEqual(anns, [{n: 1}]);
    assert.deepEqual(bobs, []);
  });

  await check('a wrong key opens no socket', async () => {
    const url = (key) => `${endPoint.replace('http', 'ws')}pubsub?api_key=${key}`;
    const socket = new ann.pubsub._pubsub.WebSocket(url('wrong key'));
    await new Promise((resolve, reject) => {
      socket.onerror = resolve;
      socket.onopen = () => reject(new Error('it is open'));
    });
  });
});
