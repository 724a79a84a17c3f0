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

function invalid(option: keyof RemoteTls, what: string): never {
  throw new SecureStoreError('INVALID_ARGUMENT', `the option "tls.${option}" ${what}`, { option: `tls.${option}` });
}

/** What was given, as bytes. */
function pemOf(name: keyof RemoteTls, given: unknown): Buffer {
  if (typeof given !== 'string' && !(given instanceof Uint8Array)) {
    return invalid(name, 'must be a text or bytes, in PEM');
  }
  const pem = Buffer.from(given);
  if (pem.includes('-----BEGIN ')) return pem;
  return invalid(name, 'must have PEM in it, and not the path of a file');
}

function certificatesIn(name: 'ca' | 'cert', pem: Buffer): X509Certificate[] {
  const found = pem.toString('latin1').match(CERTIFICATE) ?? [];
  if (found.length === 0) return invalid(name, 'must have a certificate in it');
  try {
    return found.map((text) => new X509Certificate(text));
  } catch {
    return invalid(name, 'must have certificates in it that can be read');
  }
}

/** Of an encrypted one there is nobody to ask for its passphrase. */
function keyIn(pem: Buffer): KeyObject {
  if (pem.includes('ENCRYPTED')) {
    return invalid('key', 'must not be encrypted');
  }
  try {
    return createPrivateKey(pem);
  } catch {
    return invalid('key', 'must have a private key in it that can be read');
  }
}

/**
 * Certificates and a key that can be used together, before anything is connected to.
 *
 * @throws SecureStoreError `INVALID_ARGUMENT`; without what was given
 */
export function checkedTls(tls: unknown): TlsMaterial | undefined {
  if (tls === undefined) return undefined;
  if (typeof tls !== 'object' || tls === null) {
    const message = 'the option "tls" must be { ca }, { cert, key } or both';
    throw new SecureStoreError('INVALID_ARGUMENT', message, { option: 'tls' });
  }
  const unknown = Object.keys(tls).find((name) => !KNOWN.has(name));
  if (unknown !== undefined) {
    const message = `unknown option "tls.${unknown}", known are ${[...KNOWN].join(', ')}`;
    throw new SecureStoreError('INVALID_ARGUMENT', message, { option: `tls.${unknown}` });
  }
  const { ca, cert, key } = tls as RemoteTls;
  const authorities = ca === undefined ? undefined : pemOf('ca', ca);
  if (authorities !== undefined) certificatesIn('ca', authorities);
  if (cert === undefined && key === undefined) return { ca: authorities };
  if (cert === undefined) return invalid('cert', 'must be given with the key of the certificate');
  if (key === undefined) return invalid('key', 'must be given with a certificate');
  const own = { cert: pemOf('cert', cert), key: pemOf('key', key) };
  // Those above it may follow.
  const [first] = certificatesIn('cert', own.cert);
  if (first?.checkPrivateKey(keyIn(own.key)) !== true) invalid('key', 'must be the key of the certificate');
  return { ca: authorities, ...own };
}
