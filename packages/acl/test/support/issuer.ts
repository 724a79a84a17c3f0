import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { createServer } from 'node:http';
import type { CryptoKey, JWK } from 'jose';
import { SignJWT, exportJWK, generateKeyPair } from 'jose';
import { onTestFinished } from 'vitest';

/** How the server of an issuer behaves. */
export type Behaviour = 'answers' | 'hangs' | 'fails' | 'babbles' | 'redirects';

/** An issuer of tokens with a server for its public keys, closed after the test. */
export interface Issuer {
  readonly url: URL;
  readonly issuer: string;
  behaviour: Behaviour;
  /** How often its keys were asked for. */
  asked: number;
  /** Makes a new key pair for an algorithm, which takes the place of the ones before unless it is added. */
  rotate(algorithm: string, add?: boolean): Promise<string>;
  /** The newest public key. */
  publicKey(): JWK;
  sign(claims: Record<string, unknown>, header?: { kid?: string; typ?: string }): Promise<string>;
}

interface Pair {
  readonly algorithm: string;
  readonly kid: string;
  readonly privateKey: CryptoKey;
  readonly jwk: JWK;
}

/** Starts an {@link Issuer} with a key for an algorithm. */
export async function issuerWith(algorithm: string): Promise<Issuer> {
  let pairs: Pair[] = [];
  let made = 0;
  const newest = (): Pair => {
    const pair = pairs.at(-1);
    if (pair === undefined) throw new Error('there is no key');
    return pair;
  };
  const server = createServer((_request, response) => {
    issuer.asked += 1;
    if (issuer.behaviour === 'hangs') return;
    if (issuer.behaviour === 'fails') response.writeHead(503);
    else if (issuer.behaviour === 'redirects') response.writeHead(302, { url: 'http://127.0.0.1:1/' });
    else response.writeHead(200, { 'content-type': 'application/json' });
    response.end(issuer.behaviour === 'babbles' ? 'keys?' : JSON.stringify({ keys: pairs.map(({ jwk }) => jwk) }));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  const { port } = server.address() as AddressInfo;
  const issuer: Issuer = {
    url: new URL(`http://127.0.0.1:${port}/keys`),
    issuer: 'https://issuer.example',
    behaviour: 'answers',
    asked: 0,
    async rotate(next, add = false) {
      const { privateKey, publicKey } = await generateKeyPair(next, { extractable: true });
      const kid = `key-${++made}`;
      const jwk = { ...(await exportJWK(publicKey)), kid, alg: next, use: 'sig' };
      pairs = [...(add ? pairs : []), { algorithm: next, kid, privateKey, jwk }];
      return kid;
    },
    publicKey: () => newest().jwk,
    sign: (claims, { kid = newest().kid, typ } = {}) =>
      new SignJWT(claims)
        .setProtectedHeader({ alg: newest().algorithm, kid, ...(typ !== undefined && { typ }) })
        .sign(newest().privateKey),
  };
  await issuer.rotate(algorithm);
  return issuer;
}
