'use strict';
// What the flows share: a connection, a check that prints one line, and the few promises the client lacks.

const assert = require('node:assert/strict');
const Syncano = require('syncano');

const baseUrl = process.env.BASE_URL;
const owner = {
  email: process.env.ACCOUNT_EMAIL,
  password: process.env.ACCOUNT_PASSWORD,
  accountKey: process.env.ACCOUNT_KEY,
};
const guest = {
  email: process.env.GUEST_EMAIL,
  password: process.env.GUEST_PASSWORD,
  accountKey: process.env.GUEST_KEY,
};

const timestamp = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$/;
const denied = {detail: 'You do not have permission to perform this action.'};
const noSuchKey = {detail: 'No such API Key.'};
const notFound = {detail: 'Not found.'};

let failures = 0;

// check runs one claim about the server; the flow goes on after a failure, so that one run shows all of them.
async function check(claim, run) {
  const began = Date.now();
  try {
    await within(20000, run());
    console.log(`ok   ${claim} (${Date.now() - began} ms)`);
  } catch (err) {
    failures++;
    console.log(`FAIL ${claim}: ${said(err)}`);
    const line = (err.stack || '').split('\n').find((l) => l.includes(__dirname) && !l.includes('node_modules') && !l.includes('flow.js'));
    if (line) {
      console.log(`     ${line.trim().replace(__dirname + '/', '')}`);
    }
  }
}

// said is what an error has to say: both clients throw what the server answered, Skygear's without a message.
function said(err) {
  const answer = err.errors || err.error || (err instanceof Error ? undefined : err);
  return `${err.message} ${err.status ? `[answer ${err.status}] ` : ''}${answer ? JSON.stringify(answer) : ''}`;
}

// flow runs the checks of one file and turns their verdict into the exit code.
async function flow(run) {
  try {
    await run();
  } catch (err) {
    failures++;
    console.log(`FAIL the flow stopped: ${said(err)}`);
  }
  process.exit(failures === 0 ? 0 : 1);
}

function within(ms, promise) {
  let timer;
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error(`no answer within ${ms} ms`)), ms);
  });
  return Promise.race([promise, late]).finally(() => clearTimeout(timer));
}

// connect opens a connection; `defaults` must be given, or all connections of a process share one object.
function connect(keys, defaults = {}) {
  return Syncano(Object.assign({baseUrl, defaults: Object.assign({}, defaults)}, keys));
}

// send runs a query set and gives its model. Awaiting the query set itself would never settle on an error.
async function send(querySet) {
  const [model] = await querySet.request();
  return model;
}

// raw runs a query set and gives the server's JSON untouched.
async function raw(querySet) {
  const [, body] = await querySet.request();
  return body;
}

// refused demands that the server answers with this status, and with this body when one is given.
async function refused(status, promise, body) {
  let answer;
  try {
    answer = await promise;
  } catch (err) {
    if (err.status === undefined) throw err;
    assert.equal(err.status, status, `status ${err.status} ${JSON.stringify(err.errors)}`);
    if (body !== undefined) assert.deepEqual(err.errors, body);
    return err;
  }
  assert.fail(`expected ${status}, but it was accepted: ${JSON.stringify(answer)}`);
}

// http sends what the client cannot: other content types, missing keys, wrong methods.
async function http(method, path, {key, userKey, json, form, headers} = {}) {
  const options = {method, headers: Object.assign({}, headers)};
  if (key) options.headers['X-API-KEY'] = key;
  if (userKey) options.headers['X-USER-KEY'] = userKey;
  if (json !== undefined) {
    options.headers['Content-Type'] = 'application/json';
    options.body = JSON.stringify(json);
  }
  if (form !== undefined) options.body = form;
  const response = await fetch(path.startsWith('http') ? path : baseUrl + path, options);
  const text = await response.text();
  let body = text;
  if ((response.headers.get('content-type') || '').includes('json')) body = JSON.parse(text);
  return {status: response.status, body, headers: response.headers};
}

async function download(url) {
  const response = await fetch(url);
  return {status: response.status, bytes: Buffer.from(await response.arrayBuffer())};
}

// everything follows `all()` to its end and gives its objects.
function everything(all) {
  return new Promise((resolve, reject) => {
    all.on('stop', resolve);
    all.on('error', reject);
  });
}

// unique gives a name that no other flow uses on the same server.
function unique(prefix) {
  return `${prefix}-${process.pid}-${Math.random().toString(36).slice(2, 8)}x`;
}

// newInstance creates an instance of the owner and gives a connection that works in it.
async function newInstance(prefix) {
  const name = unique(prefix);
  const admin = connect({accountKey: owner.accountKey}, {instanceName: name});
  await admin.Instance.please().create({name});
  return {name, admin, path: `/v1.1/instances/${name}`};
}

// newKey creates an API key with these flags and gives the key's text.
async function newKey(admin, flags = {}) {
  const key = await admin.ApiKey.please().create(flags);
  return key.api_key;
}

function ids(objects) {
  return objects.map((o) => o.id);
}

module.exports = {
  assert, Syncano, baseUrl, owner, guest, timestamp, denied, noSuchKey, notFound,
  check, flow, connect, send, raw, refused, http, download, everything, unique, newInstance, newKey, ids,
};
