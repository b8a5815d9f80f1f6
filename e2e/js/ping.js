'use strict';
// The monitor of the client and the two entry pages it may meet.

const {assert, check, flow, connect, http} = require('./flow');

flow(async () => {
  await check('the monitor sees the server', () => new Promise((resolve) => {
    const {Monitor} = connect({});
    Monitor.on('connected', resolve);
    Monitor.ping();
  }));

  await check('the root page lists the versions', async () => {
    const answer = await http('GET', '/', {headers: {Accept: 'application/json'}});
    assert.equal(answer.status, 200);
    assert.deepEqual(answer.body, {links: {v1: '/v1/', 'v1.1': '/v1.1/', v2: '/v2/'}});
  });

  await check('the version page lists the resources', async () => {
    const answer = await http('GET', '/v1.1/');
    assert.equal(answer.status, 200);
    assert.equal(answer.headers.get('content-type'), 'application/json; charset=utf-8');
    assert.deepEqual(answer.body, {links: {
      instances: '/v1.1/instances/', backups: '/v1.1/backups/', account: '/v1.1/account/', usage: '/v1.1/usage/',
    }});
  });

  await check('a browser of another origin may ask', async () => {
    const answer = await http('OPTIONS', '/v1.1/instances/', {headers: {Origin: 'http://app.example', 'Access-Control-Request-Method': 'PATCH'}});
    assert.equal(answer.status, 200);
    assert.equal(answer.headers.get('access-control-allow-origin'), '*');
    assert.match(answer.headers.get('access-control-allow-methods'), /PATCH/);
    assert.match(answer.headers.get('access-control-allow-headers'), /x-user-key/i);
    assert.equal(answer.headers.get('access-control-max-age'), '86400');
  });
});
