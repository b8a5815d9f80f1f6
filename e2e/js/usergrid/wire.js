'use strict';
// What the flows of both client generations share: the address of the application, and requests that no client sends.

const {assert, check, flow} = require('../flow');

const endPoint = process.env.ENDPOINT; // without a final slash
const org = process.env.ORG;
const app = process.env.APP;
const clientId = process.env.CLIENT_ID;
const clientSecret = process.env.CLIENT_SECRET;
const admin = {email: process.env.ADMIN_EMAIL, password: process.env.ADMIN_PASSWORD};

const uuidShape = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;
const everything = 'get,post,put,delete:/**'; // what the guests of a sandbox hold

// http asks below the application, or below the server where the path begins with /management.
async function http(method, path, {json, form, headers, token, body} = {}) {
  const options = {method, headers: Object.assign({}, headers), redirect: 'manual', body};
  if (token) options.headers.Authorization = `Bearer ${token}`;
  if (json !== undefined) {
    options.headers['Content-Type'] = 'application/json';
    options.body = JSON.stringify(json);
  }
  if (form !== undefined) options.body = new URLSearchParams(form);
  const base = path.startsWith('/management') ? endPoint : `${endPoint}/${org}/${app}`;
  const response = await fetch(base + path, options);
  const bytes = Buffer.from(await response.arrayBuffer());
  const type = response.headers.get('content-type') || '';
  return {status: response.status, type, headers: response.headers, bytes, body: type.includes('json') ? JSON.parse(bytes) : bytes.toString()};
}

// ok is http that must succeed, and gives the body.
async function ok(...request) {
  const answer = await http(...request);
  assert.equal(answer.status, 200, `${request[0]} ${request[1]}: ${answer.status} ${JSON.stringify(answer.body)}`);
  return answer.body;
}

// appToken and adminToken are tokens of the application's own client, and of the admin who owns it.
async function appToken() {
  return (await ok('POST', '/token', {form: {grant_type: 'client_credentials', client_id: clientId, client_secret: clientSecret}})).access_token;
}

async function adminToken() {
  return (await ok('POST', '/management/token', {json: {grant_type: 'password', username: admin.email, password: admin.password}})).access_token;
}

// refused demands that the client's call ends in this status and error code, and gives the answer.
async function refused(status, code, promise, description) {
  let answer;
  try {
    answer = await promise;
  } catch (err) {
    if (!err.answer) throw err;
    assert.deepEqual([err.answer.status, err.answer.error], [status, code], JSON.stringify(err.answer));
    if (description !== undefined) assert.equal(err.answer.error_description, description);
    return err.answer;
  }
  assert.fail(`expected ${status} ${code}, but it was accepted: ${JSON.stringify(answer).slice(0, 300)}`);
}

// sorted are the values of a property, in order.
const sorted = (list) => Array.from(list).sort();

module.exports = {
  assert, check, flow, endPoint, org, app, clientId, clientSecret, admin, uuidShape, everything,
  http, ok, appToken, adminToken, refused, sorted,
};
