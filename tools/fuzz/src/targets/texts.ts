import { createSecretKey } from 'node:crypto';
import { isBackendKey, parseStoreUrl, redactStoreUrl } from '../../../../packages/backend-api/src/index.ts';
import { parseDuration, parseExpiry, parseMoment } from '../../../../packages/cli/src/call/parse-time.ts';
import {
  parseCategories,
  parseCount,
  parseMetadata,
  parseRange,
} from '../../../../packages/cli/src/call/parse-values.ts';
import {
  decodeBase32,
  encodeBase32,
  encodeNumber,
  generationOf,
  hintSequence,
  historyVersion,
  KEY_LENGTH,
  parseAdvice,
  parseAuditName,
  parseStoreKey,
  parseVersion,
  purposeOf,
  splitUnderToken,
} from '../../../../packages/core-format/src/index.ts';
import { HmacKey, NameCipher } from '../../../../packages/crypto/src/index.ts';
import { decodePlainSegment, encodePlainSegment } from '../../../../packages/crypto/src/names/plain-names.ts';
import { printed, readPrinted } from '../../../../packages/crypto/src/unlock/printed.ts';
import { formatRecipient } from '../../../../packages/crypto/src/unlock/recipient.ts';
import type { PrintedKind } from '../../../../packages/crypto/src/unlock/printed.ts';
import { decodeMetadata } from '../../../../packages/objects/src/api/metadata.ts';
import { compilePattern } from '../../../../packages/core-format/src/text/pattern.ts';
import { BASES, ITEMS } from '../../../vectors/src/make/base.ts';
import { bytesFrom } from '../../../vectors/src/make/bytes.ts';
import { make, namesOf } from '../../../vectors/src/make/make.ts';
import {
  printedCode,
  printedIdentity,
  printedShare,
  publicKeyOf,
  SECRETS,
  share,
} from '../../../vectors/src/make/secrets.ts';
import type { Target } from './target.ts';
import { ofText } from './target.ts';

const KEYS = ITEMS.map(({ key }) => key);
const BACKEND_NAMES = BASES.flatMap((base) => [...make(base).objects.keys()]);
const INVALID = ['INVALID_ARGUMENT'] as const;

/** Whatever is read of a secret that people type is what its canonical print gives again. */
function printedSecret(kind: PrintedKind, seeds: readonly string[], length: number): Target {
  return {
    name: `printed ${kind}`,
    seeds: seeds.map((seed) => Buffer.from(seed)),
    codes: INVALID,
    parse(input) {
      const secret = readPrinted(kind, input, length);
      const again = readPrinted(kind, printed(kind, secret), length);
      if (!again.equals(secret)) throw new Error('its print gives another secret');
      return undefined;
    },
  };
}

/** The advice in an error that a server sends: JSON of any shape, of which nothing but known ids and texts is left. */
function advice(): Target {
  const seeds = ['[{"id":"resume-job","job":"rotation"}]', '[{"id":"restore-object","key":"a"},{"id":"try-again"}]'];
  return ofText('advice', seeds, [], (text) => {
    let sent: unknown;
    try {
      sent = JSON.parse(text);
    } catch {
      return undefined;
    }
    const read = parseAdvice(sent);
    const again = JSON.stringify(parseAdvice(JSON.parse(JSON.stringify(read))));
    if (again !== JSON.stringify(read)) throw new Error('what was read is read as something else');
    return undefined;
  });
}

/** A token that opens is what its name is located at; one of a name that no object has is refused by who reads it. */
function tokens(naming: 'encrypted' | 'plain'): Target {
  const base = BASES.find((one) => one.naming === naming);
  if (base === undefined) throw new Error(`no base has ${naming} names`);
  const names = namesOf(base);
  const seeds = KEYS.map((key) => names.locate(parseStoreKey(key)).token);
  return ofText(`token, ${naming}`, seeds, ['INTEGRITY', 'INVALID_KEY'], (token) => {
    const opened = names.open(token);
    return 'hidden' in opened ? undefined : names.locate(parseStoreKey(opened.name)).token;
  });
}

function located(): Target {
  const names = new NameCipher(
    { mac: new HmacKey(bytesFrom('mac', 32)), encryption: createSecretKey(bytesFrom('encryption', 32)) },
    'encrypted',
    bytesFrom('root', 16),
  );
  return ofText('name of an object', KEYS, ['INVALID_KEY'], (text) => {
    const opened = names.open(names.locate(parseStoreKey(text)).token);
    return 'hidden' in opened ? undefined : opened.name;
  });
}

/** What backend names say of themselves. */
function backendNames(): Target {
  return ofText('name at the backend', BACKEND_NAMES, [], (name) => {
    purposeOf(name);
    generationOf(name);
    parseAuditName(name);
    hintSequence('j/', name);
    historyVersion('h/', name);
    for (const area of ['h/', 'b/', 'g/']) splitUnderToken(area, name);
    isBackendKey(name);
    return undefined;
  });
}

function patterns(): Target {
  const seeds = ['secrets/**', '**/*.pem', 'a/*b*c*/d', '**/a/**/b', 'a*b*c*d*e*'];
  const keys = [...KEYS, 'a/'.repeat(200) + 'a', 'a'.repeat(1024)];
  return ofText('pattern', seeds, INVALID, (text) => {
    const test = compilePattern(text);
    for (const key of keys) test(key.split('/'));
    return undefined;
  });
}

const value = (name: string, seeds: readonly string[], parse: (text: string) => unknown): Target =>
  ofText(`option: ${name}`, seeds, INVALID, (text) => void parse(text));

/** The values of options on a command line. */
function commandLine(): Target[] {
  const now = new Date('2023-01-01T00:00:00Z');
  const times = [
    '2026-11-24T15:00:00Z',
    '2026-02-28',
    '1700000000',
    '1700000000000',
    '2026-11-24 15:00:00.123456789+01:30',
  ];
  return [
    value('moment', times, (text) => parseMoment('--as-of', text)),
    value('expiry', [...times, '12h', '30d', '4w', '90s'], (text) => parseExpiry('--expires', text, now)),
    value('duration', ['12h', '30d', '999999999w'], (text) => parseDuration('--for', text)),
    value('count', ['0', '12', '999999999'], (text) => parseCount('--history-days', text)),
    value('range', ['0:1024', '5:', ':9'], parseRange),
    value('metadata', ['owner=ops', 'a=b=c', '__proto__=x'], (text) => parseMetadata([text])),
    value('category', ['prod=prod/**', 'a=b'], (text) => parseCategories([text])),
  ];
}

/** The parsers of text. */
export function textTargets(): Target[] {
  return [
    ofText('base32hex', ['', '00', 'vvvvvvvg', encodeBase32(bytesFrom('base32', 40))], [], (text) => {
      const bytes = decodeBase32(text);
      return bytes && encodeBase32(bytes);
    }),
    ofText('version', ['1h8ovmnd500-0123abcd', '00000000000-00000000'], INVALID, (text) => {
      const { number, commit } = parseVersion(text);
      return `${encodeNumber(number)}-${commit}`;
    }),
    located(),
    tokens('encrypted'),
    tokens('plain'),
    ofText('segment of a plain token', ['abc', '_c3_a4', 'a_2fb'], [], (text) => {
      const segment = decodePlainSegment(text);
      return segment && encodePlainSegment(segment);
    }),
    backendNames(),
    printedSecret('recovery code', [printedCode(SECRETS.recoveryCode)], 20),
    printedSecret('identity', [printedIdentity(SECRETS.recipient)], KEY_LENGTH),
    printedSecret('recipient', [formatRecipient(publicKeyOf(SECRETS.recipient))], KEY_LENGTH),
    printedSecret(
      'share',
      [1, 2, 3].map((x) => printedShare(share(x))),
      39,
    ),
    patterns(),
    advice(),
    {
      name: 'metadata',
      seeds: ['{}', '{"owner":"ops"}', '{"a":[1,2,{"b":null}],"ü":"😀"}'].map((text) => Buffer.from(text)),
      codes: ['INTEGRITY'],
      parse: (input) => void decodeMetadata(input),
    },
    ofText(
      'url',
      ['file:./vault', 'sqlite:/srv/vault.db', 's3://key:secret@host/bucket?x=y', 'memory:'],
      INVALID,
      (text) => {
        redactStoreUrl(text);
        parseStoreUrl(text);
        return undefined;
      },
    ),
    ...commandLine(),
  ];
}
