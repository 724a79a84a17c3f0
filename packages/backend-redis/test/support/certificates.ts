import { execFileSync, spawnSync } from 'node:child_process';
import { chownSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/** Why no certificate can be made here; `undefined` where one can. */
export const NO_OPENSSL: string | undefined =
  spawnSync('openssl', ['version']).status === 0 ? undefined : 'there is no openssl to make a certificate with';

/** Makes a key and a certificate for 127.0.0.1 that it signs itself, owned by a user. */
export function selfSigned(
  folder: string,
  owner: { uid: number; gid: number },
): { key: string; file: string; pem: string } {
  const [key, file] = [join(folder, 'tls.key'), join(folder, 'tls.crt')];
  const subject = ['-subj', '/CN=securestore test', '-addext', 'subjectAltName=IP:127.0.0.1'];
  const curve = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1'];
  execFileSync(
    'openssl',
    ['req', '-x509', '-nodes', ...curve, '-days', '2', ...subject, '-keyout', key, '-out', file],
    {
      stdio: 'ignore',
    },
  );
  for (const path of [key, file]) chownSync(path, owner.uid, owner.gid);
  return { key, file, pem: readFileSync(file, 'utf8') };
}
