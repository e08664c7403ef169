// An OpenID provider for the tests: real discovery, keys, codes, tokens and forms, on this machine alone.
//
//   node provider.mjs LIBRARY PORT BASE THIN
//
// It says "ready" and its address, obeys lines on its input, and ends when its input does. THIN: its ID tokens say who somebody is and
// no more, and the rest must be asked for. Lines: "rotate" takes other keys; "asked" tells how often its keys were asked for.
import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { createServer } from 'node:http';
import { createInterface } from 'node:readline';
import { pathToFileURL } from 'node:url';

const [library, port, base, thin] = process.argv.slice(2);
// What it has to say to its developers is not for the tests.
console.warn = () => {};
console.info = () => {};
const { default: Provider } = await import(pathToFileURL(library));

const PEOPLE = {
  fatima: { name: 'Fatima Al-Marri', groups: ['/falaj/operators', '/staff'] },
  ali: { name: 'علي الكواري', groups: ['/staff', '/moi/integration'] },
  guest: { name: 'Guest of nobody', groups: ['/staff'] },
};

const SECRET = 'hidden: the/client+s secret & 100%';

function client(id, algorithm, more = {}) {
  return {
    client_id: id,
    client_secret: SECRET,
    redirect_uris: [`${base}/dashboard/sign-in/return`],
    post_logout_redirect_uris: [`${base}/dashboard/sign-in/out`],
    response_types: ['code'],
    grant_types: ['authorization_code'],
    id_token_signed_response_alg: algorithm,
    ...more,
  };
}

function keys(generation) {
  const pairs = [
    ['RS256', generateKeyPairSync('rsa', { modulusLength: 2048 })],
    ['PS256', generateKeyPairSync('rsa', { modulusLength: 2048 })],
    ['ES256', generateKeyPairSync('ec', { namedCurve: 'P-256' })],
    ['EdDSA', generateKeyPairSync('ed25519')],
  ];
  return pairs.map(([alg, pair]) => ({
    ...pair.privateKey.export({ format: 'jwk' }), alg, use: 'sig', kid: `${alg}-${generation}`,
  }));
}

let issuer;
let generation = 0;
let asked = 0;
let answer;

function renew() {
  generation += 1;
  const provider = new Provider(issuer, {
    clients: [
      client('falaj', 'RS256'),
      client('falaj-ps', 'PS256', { token_endpoint_auth_method: 'client_secret_post' }),
      client('falaj-es', 'ES256'),
      client('falaj-ed', 'EdDSA'),
      client('falaj-shared', 'HS256'),
    ],
    jwks: { keys: keys(generation) },
    cookies: { keys: [randomBytes(32).toString('hex')] },
    claims: { openid: ['sub'], profile: ['name'], groups: ['groups'] },
    scopes: ['openid', 'profile', 'groups'],
    conformIdTokenClaims: thin === 'thin',
    pkce: { required: () => true },
    enabledJWA: { idTokenSigningAlgValues: ['RS256', 'PS256', 'ES256', 'EdDSA', 'HS256'] },
    features: { devInteractions: { enabled: true }, rpInitiatedLogout: { enabled: true } },
    findAccount: (_, id) => ({ accountId: id, claims: () => ({ sub: id, ...PEOPLE[id] }) }),
  });
  answer = provider.callback();
}

const server = createServer((request, response) => {
  if (request.url === '/jwks') {
    asked += 1;
  }
  answer(request, response);
});
server.listen(Number(port), '127.0.0.1', () => {
  issuer = `http://127.0.0.1:${server.address().port}`;
  renew();
  console.log(`ready ${issuer}`);
});

const lines = createInterface({ input: process.stdin });
lines.on('line', (line) => {
  if (line === 'rotate') {
    renew();
    console.log('rotated');
  } else if (line === 'asked') {
    console.log(`asked ${asked}`);
  }
});
lines.on('close', () => process.exit(0));
