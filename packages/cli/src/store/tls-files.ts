import { readFile } from 'node:fs/promises';
import { fileError } from '@securestore/core-format';
import type { Call } from '../call/call.ts';
import type { GlobalOptions } from '../options/global-options.ts';
import { refuse } from '../errors/refuse.ts';
import { nonEmpty } from '../secret/secret.ts';
import { warnIfShared } from '../secret/shared-file.ts';

/** The files that say whom a server is trusted by, and who asks: what their option is called, and the variable that names one. */
const FILES = [
  ['cert', 'tlsCert', '--tls-cert', 'SECURESTORE_TLS_CERT'],
  ['key', 'tlsKey', '--tls-key', 'SECURESTORE_TLS_KEY'],
  ['ca', 'tlsCa', '--tls-ca', 'SECURESTORE_TLS_CA'],
] as const;

/** What those are called that others must not read, or change. */
const KINDS: Readonly<Record<keyof TlsFiles, string | undefined>> = {
  cert: undefined,
  key: 'TLS key',
  ca: 'authority',
};

/** What is in these files, in PEM. */
export interface TlsFiles {
  readonly cert?: Uint8Array;
  readonly key?: Uint8Array;
  readonly ca?: Uint8Array;
}

/** The first of these options that was given. */
export function tlsOptionOf(options: GlobalOptions): string | undefined {
  return FILES.find(([, option]) => options[option] !== undefined)?.[2];
}

/** What is in the files of a call, `undefined` where it names none. @throws `INVALID_ARGUMENT` where one can't be read, or its other half is missing */
export async function tlsOf(call: Call): Promise<TlsFiles | undefined> {
  const { cli, options } = call;
  const found: { -readonly [name in keyof TlsFiles]: TlsFiles[name] } = {};
  for (const [name, option, flag, variable] of FILES) {
    const path = options[option] ?? nonEmpty(cli.env, variable);
    if (path === undefined) continue;
    const kind = KINDS[name];
    if (kind !== undefined) await warnIfShared(call, path, kind);
    const from = options[option] === undefined ? `$${variable}` : flag;
    try {
      found[name] = await readFile(path);
    } catch (error) {
      throw fileError(error, `cannot read the file "${path}" of ${from}`);
    }
  }
  if ((found.cert === undefined) !== (found.key === undefined)) {
    refuse('--tls-cert and --tls-key must be given together');
  }
  return Object.keys(found).length === 0 ? undefined : found;
}
