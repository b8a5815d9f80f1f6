'use strict';
// The browser SDK 0.11.0 was never a package of a registry, so this page sends the requests of contracts/usergrid.md 12.3 itself: JSON
// content type on every request, "{}" for no body and "null" for that of a DELETE, the token in the query only.

const base = new URLSearchParams(location.search).get('base'); // of the application
let token = null;

// ask answers {status, body}; extra is a query string to be kept with every call, as the SDK's default "qs".
async function ask(method, endpoint, body, {from = base, qs = {}, headers = {'Content-Type': 'application/json', Accept: 'application/json'}} = {}) {
  const query = new URLSearchParams(token ? Object.assign({access_token: token}, qs) : qs).toString();
  const sent = body instanceof Blob || body instanceof FormData ? body : JSON.stringify(body === undefined ? (method === 'DELETE' ? null : {}) : body);
  return send(method, `${from}/${endpoint}?${query}`, method === 'GET' ? undefined : sent, headers);
}

function send(method, url, body, headers, responseType = '') {
  return new Promise((resolve, reject) => {
    const xhr = new XMLHttpRequest();
    xhr.open(method, url);
    for (const [name, value] of Object.entries(headers)) xhr.setRequestHeader(name, value);
    xhr.responseType = responseType;
    xhr.onload = () => resolve({status: xhr.status, type: xhr.getResponseHeader('content-type'), body: responseType ? xhr.response : JSON.parse(xhr.responseText)});
    xhr.onerror = () => reject(new Error(`${method} ${url}: the browser let nothing through`));
    xhr.send(body);
  });
}

// ok demands success, and gives the body.
async function ok(...args) {
  const answer = await ask(...args);
  if (answer.status !== 200) throw new Error(`${args[0]} ${args[1]}: ${answer.status} ${JSON.stringify(answer.body)}`);
  return answer.body;
}

// refused gives status and code of a refusal.
async function refused(...args) {
  const {status, body} = await ask(...args);
  return `${status} ${body.error}`;
}

async function login(username, password) {
  token = null;
  const body = await ok('POST', 'token', {username, password, grant_type: 'password'});
  token = body.access_token;
  return body;
}

// destroyToken appends its query to an address that has one already.
function destroyToken(username, value, all) {
  const endpoint = all ? `users/${username}/revoketokens` : `users/${username}/revoketoken?token=${value}`;
  return ok('PUT', endpoint);
}

let scripts = 0;

// jsonp asks by a script tag.
function jsonp(endpoint) {
  return new Promise((resolve, reject) => {
    const name = `answered${++scripts}`;
    const script = document.createElement('script');
    window[name] = resolve;
    script.onerror = () => reject(new Error('the script did not load'));
    script.src = `${base}/${endpoint}${endpoint.includes('?') ? '&' : '?'}callback=${name}`;
    document.head.append(script);
  });
}
