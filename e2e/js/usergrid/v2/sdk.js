'use strict';
// What the flows of usergrid@2.0.0-rc.2 share. The main script lies beside the config.json from which the SDK takes its base URL
// for connections, so the tests write both into a directory of their own.

const Client = require('usergrid-2/lib/client');
const Entity = require('usergrid-2/lib/entity');
const User = require('usergrid-2/lib/user');
const Query = require('usergrid-2/lib/query');
const Asset = require('usergrid-2/lib/asset');
const Auth = require('usergrid-2/lib/auth');
const AppAuth = require('usergrid-2/lib/appAuth');
const UserAuth = require('usergrid-2/lib/userAuth');
const wire = require('../wire');

// ask calls a method and gives the response and the value of its callback. A callback that says "error" is thrown.
function ask(object, method, ...args) {
  return new Promise((resolve, reject) => {
    object[method](...args, (error, response, value) => (error ? reject(refusal(method, error, response)) : resolve([response, value])));
  });
}

function refusal(method, error, response) {
  const failure = new Error(`${method}: ${error.name} ${error.description || error.message || ''}`);
  if (response && response.body) {
    failure.errors = failure.answer = Object.assign({status: response.statusCode}, response.body);
    failure.said = error;
  }
  return failure;
}

// anonymous is a client that proves nothing; it does not know the application's credentials of config.json.
const anonymous = () => {
  const client = new Client();
  client.authMode = Auth.AUTH_MODE_NONE;
  return client;
};

// asApp is a client that always sends the application's token.
async function asApp() {
  const client = new Client();
  client.setAppAuth(wire.clientId, wire.clientSecret);
  await ask(client, 'authenticateApp');
  client.authMode = Auth.AUTH_MODE_APP;
  return client;
}

// asUser is a client whose current user has logged in.
async function asUser(username, password) {
  const client = new Client();
  await ask(client, 'authenticateUser', {username, password});
  return client;
}

// entity asks and gives the one entity of the answer.
async function entity(object, method, ...args) {
  const [response] = await ask(object, method, ...args);
  wire.assert.equal(response.body.entities.length, 1, JSON.stringify(response.body));
  return response.entity;
}

const fields = (entities, name) => Array.from(entities, (e) => e[name]);

module.exports = Object.assign({}, wire, {
  Client, Entity, User, Query, Asset, Auth, AppAuth, UserAuth, ask, anonymous, asApp, asUser, entity, fields,
});
