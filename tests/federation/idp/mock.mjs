// An issuer that signs whatever it is told to: one line of JSON in, one line out.
//   {"key", "certificate"}                   serve; answers the issuer
//   {"alg"}                                  another key of that kind; answers its name
//   {"kid", "claims", "header", "lifetime"}  a token with these claims over its own; answers it
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import readline from 'node:readline';

import { OAuth2Server } from 'oauth2-mock-server';

let server;

async function done(told) {
  if (told.certificate) {
    const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'issuer-'));
    fs.writeFileSync(path.join(folder, 'key.pem'), told.key, { mode: 0o600 });
    fs.writeFileSync(path.join(folder, 'certificate.pem'), told.certificate);
    server = new OAuth2Server(path.join(folder, 'key.pem'), path.join(folder, 'certificate.pem'));
    await server.issuer.keys.generate('RS256');
    await server.start(0, 'localhost');
    fs.rmSync(folder, { recursive: true });
    return { issuer: server.issuer.url };
  }
  if (told.alg) {
    return { kid: (await server.issuer.keys.generate(told.alg)).kid };
  }
  const change = (header, payload) => {
    Object.assign(payload, told.claims);
    Object.assign(header, told.header);
  };
  const token = await server.issuer.buildToken({ kid: told.kid ?? undefined, expiresIn: told.lifetime, scopesOrTransform: change });
  return { token };
}

readline.createInterface({ input: process.stdin }).on('line', async (line) => {
  try {
    console.log(JSON.stringify(await done(JSON.parse(line))));
  } catch (failure) {
    console.log(JSON.stringify({ failure: String(failure.stack) }));
  }
}).on('close', () => process.exit(0));
