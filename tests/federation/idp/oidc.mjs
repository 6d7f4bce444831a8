// An OpenID Connect provider over https, with people and one client.  What it is told stands in one line of JSON on its
// standard input: certificate, keys to sign with.  Another line brings other keys.  It says its issuer, then serves.
import https from 'node:https';
import readline from 'node:readline';

import Provider from 'oidc-provider';

const tags = {
  principal_tags: { Project: ['apollo'], Team: ['red'] },
  transitive_tag_keys: ['Project'],
};

function made(issuer, keys) {
  return new Provider(issuer, {
    clients: [{
      client_id: 'cli',
      token_endpoint_auth_method: 'none',
      application_type: 'native',
      redirect_uris: ['http://127.0.0.1/callback'],
      grant_types: ['authorization_code'],
      response_types: ['code'],
    }, {
      client_id: 'app',
      client_secret: 'quiet',
      application_type: 'native',
      redirect_uris: ['http://127.0.0.1/back'],
      grant_types: ['authorization_code'],
      response_types: ['code'],
    }],
    conformIdTokenClaims: false,
    claims: {
      openid: ['sub', 'https://aws.amazon.com/tags', 'https://aws.amazon.com/source_identity', 'department'],
    },
    findAccount: (_, sub) => ({
      accountId: sub,
      claims: () => ({
        sub,
        department: 'research',
        'https://aws.amazon.com/tags': tags,
        'https://aws.amazon.com/source_identity': `${sub}@corp`,
      }),
    }),
    cookies: { keys: ['one'] },
    pkce: { required: () => false },
    jwks: { keys },
    ttl: { IdToken: 3600, Interaction: 600, Session: 600, Grant: 600, AuthorizationCode: 60, AccessToken: 60 },
  });
}

let answer;
let issuer;
const server = https.createServer((request, response) => answer(request, response));
readline.createInterface({ input: process.stdin }).on('line', (line) => {
  const told = JSON.parse(line);
  if (!server.listening) {
    server.setSecureContext({ key: told.key, cert: told.certificate });
    server.listen(0, '127.0.0.1', () => {
      issuer = `https://localhost:${server.address().port}`;
      answer = made(issuer, told.keys).callback();
      console.log(JSON.stringify({ issuer }));
    });
  } else {
    answer = made(issuer, told.keys).callback();
    console.log(JSON.stringify({ issuer }));
  }
}).on('close', () => process.exit(0));
