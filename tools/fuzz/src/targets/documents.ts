import { isDeepStrictEqual } from 'node:util';
import { SecureStoreError } from '../../../../packages/core-format/src/index.ts';
import { formatRecipient } from '../../../../packages/crypto/src/unlock/recipient.ts';
import { readIdentityText } from '../../../../packages/crypto/src/unlock/identity-text.ts';
import { printed } from '../../../../packages/crypto/src/unlock/printed.ts';
import { envAssignment, readEnv } from '../../../../packages/migrate/src/folder/env-text.ts';
import type { FileEntries } from '../../../../packages/migrate/src/folder/file-format.ts';
import { jsonLines, readJson } from '../../../../packages/migrate/src/folder/json-text.ts';
import { formatInvitation, parseInvitation } from '../../../../packages/securestore/src/files/invitation.ts';
import { formatRecoveryKit, readRecoveryKit } from '../../../../packages/securestore/src/files/recovery-kit.ts';
import { bytesFrom } from '../../../vectors/src/make/bytes.ts';
import {
  printedCode,
  printedIdentity,
  printedShare,
  publicKeyOf,
  SECRETS,
  share,
} from '../../../vectors/src/make/secrets.ts';
import type { Target } from './target.ts';

// Texts for people and programs: they may be written in several ways, so what is read of one is what is read of it when it is
// written again.

/** @param codes how it may be refused when it is read; what was read can always be written */
function document<T>(
  name: string,
  seeds: readonly (string | Uint8Array)[],
  codes: Target['codes'],
  read: (text: Buffer) => T | undefined,
  write: (value: T) => string | Uint8Array,
): Target {
  return {
    name,
    seeds: seeds.map((seed) => Buffer.from(seed)),
    codes,
    parse(input) {
      const value = read(input);
      if (value === undefined) return undefined;
      const again = written(value, write);
      if (!isDeepStrictEqual(read(again), value)) throw new Error(`it is written as ${again.toString('hex')}`);
      return undefined;
    },
  };
}

function written<T>(value: T, write: (value: T) => string | Uint8Array): Buffer {
  try {
    return Buffer.from(write(value));
  } catch (error) {
    if (!SecureStoreError.is(error)) throw error;
    throw new Error(`what was read can't be written: ${error.message}`, { cause: error });
  }
}

const FINGERPRINTS = ['0'.repeat(52), 'v'.repeat(51).padEnd(52, 'g')] as const;
const IDENTITY = printedIdentity(SECRETS.recipient);
const STORE_URL = 's3://bucket/ä?region=x';
const MADE = new Date('2026-11-25T00:00:00Z');

function identityFile(): Target {
  const pins = FINGERPRINTS.map((fingerprint) => `fingerprint: ${fingerprint}\n`).join('');
  return document(
    'identity file',
    [IDENTITY, `# recipient: SSRP1\n\n${IDENTITY}\n${pins}`, `${pins}${IDENTITY.toLowerCase()}\r\n`],
    ['INVALID_ARGUMENT'],
    readIdentityText,
    ({ privateKey, fingerprints }) =>
      [printed('identity', privateKey).toString('latin1'), ...fingerprints.map((one) => `fingerprint: ${one}`)].join(
        '\n',
      ),
  );
}

function invitation(): Target {
  const [fingerprint] = FINGERPRINTS;
  const recipient = formatRecipient(publicKeyOf(SECRETS.recipient));
  return document(
    'invitation',
    [
      formatInvitation({ fingerprint }),
      formatInvitation({ fingerprint, storeUrl: STORE_URL, recipient, slot: '0123456789abcdefghijklmnop' }),
    ],
    ['INVALID_ARGUMENT', 'UNSUPPORTED'],
    parseInvitation,
    formatInvitation,
  );
}

function recoveryKit(): Target {
  const about = { fingerprint: FINGERPRINTS[1], storeUrl: STORE_URL, made: MADE } as const;
  const code = Buffer.from(printedCode(SECRETS.recoveryCode));
  const scheme = { threshold: 2, count: 3, number: 1 };
  return document(
    'recovery kit',
    [
      formatRecoveryKit({ ...about, kind: 'recovery code', unlockSecret: code }),
      formatRecoveryKit({ ...about, kind: 'share', unlockSecret: Buffer.from(printedShare(share(1))), share: scheme }),
      code,
      bytesFrom('no kit', 48),
    ],
    ['INVALID_ARGUMENT', 'UNSUPPORTED'],
    (text) => {
      const kit = readRecoveryKit(text);
      return kit && { storeUrl: '', ...kit };
    },
    (kit) => formatRecoveryKit({ ...kit, made: MADE }),
  );
}

/** The values that a file of many objects gives, by name. */
function valuesOf(entries: FileEntries): Map<string, string> {
  const found = [...entries];
  if (found.length !== entries.count) throw new Error(`there are ${found.length} entries and not ${entries.count}`);
  return new Map(found.flatMap((entry) => ('value' in entry ? [[entry.name, entry.value] as const] : [])));
}

/** What is refused when it is written: what parseEnv or no environment can hold, and what is only right where no such mark follows. */
function isUnwritable([name, value]: readonly [string, string]): boolean {
  return name === '__proto__' || value.includes('\0') || /^(?=['"`])(?=.*')(?=.*`)/.test(value);
}

function envFile(): Target {
  return document(
    '.env file',
    ['A=1\nexport B_c.d-e = x # y\n\n# c\n', 'A=\'it`s\n"two" lines\'\r\nB="a\\nb" # c\nA=`x`', 'A=  \nB=x\'"`\nC=""'],
    ['INVALID_ARGUMENT'],
    (text) => {
      const values = valuesOf(readEnv(text.toString()));
      return [...values].some(isUnwritable) ? undefined : values;
    },
    (values) => [...values].map(([name, value]) => `${envAssignment(name, value)}\n`).join(''),
  );
}

function jsonFile(): Target {
  return document(
    'JSON file of objects',
    [
      '{}',
      '{"db": {"password": "s3cr3t", "port": 5.0e3}, "a/b": [1, {"c": null}], "d": {}}',
      '{"\\u00e9\\n": "\\ud83d\\udd10", "__proto__": {"x": true}}',
    ],
    ['INVALID_ARGUMENT'],
    (text) => {
      const values = valuesOf(readJson(text.toString()));
      const names = [...values.keys()];
      // In the file that is written, a text has nothing below it.
      return names.some((name) => names.some((other) => other.startsWith(`${name}/`))) ? undefined : values;
    },
    (values) => [...jsonLines([...values].map(([name, value]) => [name, JSON.stringify(value)]))].join(''),
  );
}

/** The parsers of what people get as files. */
export const documentTargets = (): Target[] => [identityFile(), invitation(), recoveryKit(), envFile(), jsonFile()];
