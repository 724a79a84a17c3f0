import type { KeyObject } from 'node:crypto';
import { createPrivateKey, X509Certificate } from 'node:crypto';
import { SecureStoreError } from '@securestore/core-format';
import type { RemoteTls } from '@securestore/protocol';

const KNOWN: ReadonlySet<string> = new Set(['ca', 'cert', 'key']);
const CERTIFICATE = /-----BEGIN CERTIFICATE-----[^]+?-----END CERTIFICATE-----/g;

/** What connections are made with. */
export interface TlsMaterial {
  readonly ca?: Buffer | undefined;
  readonly cert?: Buffer | undefined;
  readonly key?: Buffer | undefined;
}

function invalid(message: string): never {
  throw new SecureStoreError('INVALID_ARGUMENT', message);
}

/** What was given, as bytes. */
function pemOf(name: keyof RemoteTls, given: unknown): Buffer {
  if (typeof given !== 'string' && !(given instanceof Uint8Array)) {
    return invalid(`the option "tls.${name}" must be a text or bytes, in PEM`);
  }
  const pem = Buffer.from(given);
  if (pem.includes('-----BEGIN ')) return pem;
  return invalid(`the option "tls.${name}" is not in PEM: give what is in the file, and not its path`);
}

function certificatesIn(name: 'ca' | 'cert', pem: Buffer): X509Certificate[] {
  const found = pem.toString('latin1').match(CERTIFICATE) ?? [];
  if (found.length === 0) return invalid(`the option "tls.${name}" has no certificate in it`);
  try {
    return found.map((text) => new X509Certificate(text));
  } catch {
    return invalid(`the option "tls.${name}" has a certificate in it that can't be read`);
  }
}

/** Of an encrypted one there is nobody to ask for its passphrase. */
function keyIn(pem: Buffer): KeyObject {
  if (pem.includes('ENCRYPTED')) {
    return invalid('the option "tls.key" is encrypted: decrypt it first, such as by openssl pkey -in FILE -out FILE');
  }
  try {
    return createPrivateKey(pem);
  } catch {
    return invalid('the option "tls.key" has no private key in it that can be read');
  }
}

/**
 * Certificates and a key that can be used together, before anything is connected to.
 *
 * @throws SecureStoreError `INVALID_ARGUMENT`; without what was given
 */
export function checkedTls(tls: unknown): TlsMaterial | undefined {
  if (tls === undefined) return undefined;
  if (typeof tls !== 'object' || tls === null) return invalid('the option "tls" must be { ca }, { cert, key } or both');
  const unknown = Object.keys(tls).find((name) => !KNOWN.has(name));
  if (unknown !== undefined) invalid(`unknown option "tls.${unknown}". Known: ${[...KNOWN].join(', ')}`);
  const { ca, cert, key } = tls as RemoteTls;
  const authorities = ca === undefined ? undefined : pemOf('ca', ca);
  if (authorities !== undefined) certificatesIn('ca', authorities);
  if (cert === undefined && key === undefined) return { ca: authorities };
  if (cert === undefined || key === undefined) return invalid('the options "tls.cert" and "tls.key" go together');
  const own = { cert: pemOf('cert', cert), key: pemOf('key', key) };
  // Those above it may follow.
  const [first] = certificatesIn('cert', own.cert);
  if (first?.checkPrivateKey(keyIn(own.key)) !== true) invalid('the option "tls.key" is not the key of "tls.cert"');
  return { ca: authorities, ...own };
}
