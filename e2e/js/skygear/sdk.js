'use strict';
// What the Skygear flows share: clients with a store of their own each, and what is expected when the server refuses.

const {setStore, Store} = require('skygear-core/dist/store');
const skygear = require('skygear');
const {assert, check, flow} = require('../flow');

const endPoint = process.env.ENDPOINT;
const apiKey = process.env.API_KEY;
const masterKey = process.env.MASTER_KEY;

// The client judges by the HTTP status alone, so every error has exactly one: contracts/skygear.md 1.4.
const statuses = {
  101: 401, 102: 403, 103: 401, 104: 401, 105: 401, 106: 401, 107: 400, 108: 400, 109: 409, 110: 404, 111: 501, 113: 409, 114: 409, 115: 409,
  117: 404, 120: 400, 123: 403, 124: 403, 125: 503, 126: 500, 127: 403, 128: 403,
};

// storageOf is a place for the SDK's store, as React Native's port of the SDK brings one; items is a Map.
function storageOf(items) {
  const get = async (key) => (items.has(key) ? items.get(key) : null);
  const set = async (key, value) => void items.set(key, value);
  const remove = async (key) => void items.delete(key);
  return {
    getItem: get,
    setItem: set,
    removeItem: remove,
    clear: async () => items.clear(),
    multiGet: (keys) => Promise.all(keys.map(async (key) => ({key, value: await get(key)}))),
    multiSet: (pairs) => Promise.all(pairs.map(({key, value}) => set(key, value))),
    multiRemove: (keys) => Promise.all(keys.map(remove)),
    key: async (n) => [...items.keys()][n],
    keys: async () => [...items.keys()],
    length: async () => items.size,
  };
}

// open configures a client. Two clients over the same items are one browser that was closed and opened again.
async function open({key = apiKey, items = new Map(), at = endPoint} = {}) {
  setStore(new Store(storageOf(items)));
  const client = new skygear.constructor();
  client.items = items;
  assert.ok(client.store); // asked for here, so that the client keeps this one
  client.pubsub.autoPubsub = false; // its sockets would keep the process alive
  return client.config({endPoint: at, apiKey: key});
}

// signedUp is a client whose user has just signed up.
async function signedUp(username, profile = {}) {
  const client = await open();
  await client.auth.signupWithUsername(username, 'secret', profile);
  return client;
}

// fails demands a refusal of the whole request and gives its error object.
async function fails(code, promise, status = statuses[code]) {
  const refusal = await rejection(promise);
  if (!refusal.error) throw refusal;
  assert.deepEqual({code: refusal.error.code, status: refusal.status}, {code, status}, JSON.stringify(refusal));
  return refusal.error;
}

// itemFails demands a refusal of the one record in the request, which the SDK throws as it came.
async function itemFails(code, promise) {
  const item = await rejection(promise);
  if (item._type !== 'error') throw item.error ? new Error(JSON.stringify(item)) : item;
  assert.equal(item.code, code, JSON.stringify(item));
  return item;
}

async function rejection(promise) {
  let answer;
  try {
    answer = await promise;
  } catch (err) {
    return err;
  }
  assert.fail(`it was accepted: ${JSON.stringify(answer)}`);
}

// post sends what the SDK cannot.
async function post(action, body) {
  const response = await fetch(endPoint + action.replaceAll(':', '/'), {method: 'POST', body: JSON.stringify(body)});
  return {status: response.status, body: await response.json(), headers: response.headers};
}

const fields = (records, name) => Array.from(records, (r) => r[name]);

module.exports = {assert, check, flow, skygear, endPoint, apiKey, masterKey, open, signedUp, fails, itemFails, post, fields};
