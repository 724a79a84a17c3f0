import { execFileSync, spawnSync } from 'node:child_process';
import { createPrivateKey } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';

/** Why no certificate can be made here; `undefined` where one can. */
export const NO_OPENSSL: string | undefined =
  spawnSync('openssl', ['version']).status === 0 ? undefined : 'there is no openssl to make a certificate with';

/** A key and a certificate, in PEM. */
export interface Certificate {
  readonly key: string;
  readonly cert: string;
}

/** An authority, which signs certificates of others. */
export interface Authority extends Certificate {
  readonly sign: (subject: string, days?: number) => Certificate;
}

const EC = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];

function openssl(...args: readonly string[]): void {
  execFileSync('openssl', args, { stdio: 'ignore' });
}

/** A key as it is where a passphrase protects it. */
export function encryptedKey(key: string): string {
  return createPrivateKey(key)
    .export({ type: 'pkcs8', format: 'pem', cipher: 'aes-256-cbc', passphrase: 'x' })
    .toString();
}

/** A new authority. */
export function authority(): Authority {
  const folder = mkdtempSync(join(tmpdir(), 'securestore-tls-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  const at = (name: string): string => join(folder, name);
  const read = (name: string): Certificate => ({
    key: readFileSync(at(`${name}.key`), 'utf8'),
    cert: readFileSync(at(`${name}.crt`), 'utf8'),
  });
  openssl('req', '-x509', ...EC, '-days', '2', '-subj', '/CN=authority', '-keyout', at('ca.key'), '-out', at('ca.crt'));
  let serial = 1;
  const sign: Authority['sign'] = (subject, days = 2) => {
    const name = `c${serial++}`;
    openssl('req', '-new', ...EC, '-subj', subject, '-keyout', at(`${name}.key`), '-out', at(`${name}.csr`));
    writeFileSync(at('names'), 'subjectAltName=IP:127.0.0.1');
    const files = ['-in', at(`${name}.csr`), '-out', at(`${name}.crt`), '-CA', at('ca.crt'), '-CAkey', at('ca.key')];
    openssl('x509', '-req', ...files, '-set_serial', String(serial), '-days', String(days), '-extfile', at('names'));
    return read(name);
  };
  return { ...read('ca'), sign };
}
