// An OpenID provider in a process of its own: the certified oidc-provider with the people and pages of a test.
//
//   CLIENTS   JSON list of clients, as oidc-provider takes them
//   PEOPLE    JSON object: claims by subject
//
// It prints its issuer when it answers, and ends with its standard input.

import {createServer} from 'node:http';
import {Provider} from 'oidc-provider';

const people = JSON.parse(process.env.PEOPLE);
const server = createServer();
await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
const issuer = `http://127.0.0.1:${server.address().port}`;

const provider = new Provider(issuer, {
  clients: JSON.parse(process.env.CLIENTS),
  claims: {openid: ['sub'], email: ['email', 'email_verified'], profile: ['name', 'preferred_username']},
  features: {devInteractions: {enabled: false}, introspection: {enabled: true}, revocation: {enabled: true}},
  ttl: {AccessToken: 300, IdToken: 300, Interaction: 300, Session: 300, Grant: 300, AuthorizationCode: 60},
  cookies: {keys: ['only for tests']},
  findAccount: (_, sub) => people[sub] && {accountId: sub, claims: () => ({sub, ...people[sub]})},
  interactions: {url: (_, interaction) => `/interaction/${interaction.uid}`},
});

const page = (title, form) => `<!doctype html><html lang="en"><meta charset="utf-8"><link rel="icon" href="data:,">
<title>${title}</title><main><h1>${title}</h1><form method="post">${form}</form></main></html>`;

const pages = {
  login: page('Who are you?', '<label>Name <input name="login"></label><button>Sign in</button>'),
  consent: page('May they know you?', '<button name="answer" value="yes">Allow</button><button name="answer" value="no">Refuse</button>'),
};

// formOf reads a form.
async function formOf(request) {
  let text = '';
  for await (const part of request) text += part;
  return new URLSearchParams(text);
}

// answers turn a form into the result of an interaction.
const answers = {
  login: (form) => people[form.get('login')]
    ? {login: {accountId: form.get('login')}}
    : {error: 'access_denied', error_description: 'nobody of that name'},
  async consent(form, {params, session, prompt}) {
    if (form.get('answer') !== 'yes') return {error: 'access_denied', error_description: 'the person refused'};
    const grant = new provider.Grant({accountId: session.accountId, clientId: params.client_id});
    grant.addOIDCScope((prompt.details.missingOIDCScope ?? []).join(' '));
    grant.addOIDCClaims(prompt.details.missingOIDCClaims ?? []);
    return {consent: {grantId: await grant.save()}};
  },
};

async function interact(request, response) {
  const details = await provider.interactionDetails(request, response);
  const {name} = details.prompt;
  if (request.method !== 'POST') {
    response.setHeader('Content-Type', 'text/html; charset=utf-8');
    response.end(pages[name]);
    return;
  }
  const result = await answers[name](await formOf(request), details);
  await provider.interactionFinished(request, response, result, {mergeWithLastSubmission: true});
}

const serve = provider.callback();
server.on('request', (request, response) => {
  if (!request.url.startsWith('/interaction/')) return serve(request, response);
  return interact(request, response).catch((error) => {
    response.statusCode = 400;
    response.end(String(error.error_description ?? error));
  });
});
for (const event of ['server_error', 'authorization.error', 'grant.error', 'introspection.error']) {
  provider.on(event, (_, error) => console.error(event, error.error_description ?? error.stack));
}

console.log(`issuer ${issuer}`);
process.stdin.resume().on('end', () => process.exit(0));
