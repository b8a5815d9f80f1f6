'use strict';
// What the flows of usergrid@0.10.11 share: promises for its callbacks, and clients of each kind.

const Usergrid = require('usergrid');
const wire = require('../wire');
const {endPoint, org, app, clientId, clientSecret} = wire;

// The client is a browser's too: after a re-authentication it stores what it learned in localStorage.
globalThis.localStorage = {
  items: new Map(),
  setItem(name, value) { this.items.set(name, String(value)); },
  getItem(name) { return this.items.has(name) ? this.items.get(name) : null; },
  removeItem(name) { this.items.delete(name); },
};

// open is a client; authType decides what it sends with every call.
function open(options = {}) {
  return new Usergrid.client(Object.assign({URI: endPoint, orgName: org, appName: app}, options));
}

const asApp = () => open({authType: Usergrid.AUTH_CLIENT_ID, clientId, clientSecret});
const asGuest = () => open();

// asUser is a client that sends the token of a login.
async function asUser(username, password) {
  const client = open({authType: Usergrid.AUTH_APP_USER});
  await ask(client, 'login', username, password);
  return client;
}

// ask calls a method and gives what its callback got behind the error. A callback that says "error" is thrown.
function ask(object, method, ...args) {
  return new Promise((resolve, reject) => {
    object[method](...args, (err, ...values) => (err ? reject(refusal(method, err, values)) : resolve(values)));
  });
}

function refusal(method, err, values) {
  const said = values.find((v) => v && v.statusCode);
  const failure = new Error(`${method}: ${typeof err === 'string' ? err : 'refused'}`);
  if (said) failure.errors = failure.answer = Object.assign({status: said.statusCode}, said.body || said);
  return failure;
}

// made creates an entity and gives it.
async function made(client, data) {
  return (await ask(client, 'createEntity', data))[0];
}

// signedUp makes a user by the client's own sign-up and gives the entity.
async function signedUp(client, username) {
  return (await ask(client, 'signup', username, 'secret', `${username}@example.com`, username.toUpperCase()))[0];
}

const names = (entities) => Array.from(entities, (e) => (e.get ? e.get('name') : e.name));

module.exports = Object.assign({}, wire, {Usergrid, open, asApp, asGuest, asUser, ask, made, signedUp, names});
