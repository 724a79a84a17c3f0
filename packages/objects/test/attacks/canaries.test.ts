import { inspect } from 'node:util';
import { createFaultInjector } from '@securestore/backend-api';
import { encodeBase32 } from '@securestore/core-format';
import { passphrase } from '@securestore/crypto';
import { expect, it } from 'vitest';
import { attack, flipped } from '../support/attacker.ts';
import { memoryPlace, PLACES } from '../support/places.ts';
import { createAt, openAt, usePlace } from '../support/stores.ts';
import { LONG, sized } from '../../../../tools/campaigns/src/size.ts';

const PAYLOAD = 'canary-payload-Zx91';
const METADATA = 'canary-metadata-Qw42';
const NAME = 'canary-name-Er73';
const CATEGORY = 'canary-category-Ty84';
const PASSPHRASE = 'canary-passphrase-Ui55 "\\';
const ALL = [PAYLOAD, METADATA, NAME, CATEGORY, PASSPHRASE];

/** What is left of an encoding that works in groups, wherever the text begins in a group. */
function inGroups(text: string, group: number, encode: (bytes: Buffer) => string, perByte: number): string[] {
  return Array.from({ length: group }, (_, shift) => {
    const encoded = encode(Buffer.concat([Buffer.alloc(shift), Buffer.from(text)])).replace(/=+$/, '');
    return encoded.slice(Math.ceil(shift * perByte) + 1, -2);
  });
}

const BASE32 = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567';
const BASE32HEX = '0123456789abcdefghijklmnopqrstuv';

/** Every form in which `text` might show, as bytes. */
function encodings(text: string): Buffer[] {
  const bytes = Buffer.from(text);
  const hex32 = inGroups(text, 5, encodeBase32, 8 / 5);
  const base32 = hex32.map((digits) => digits.replaceAll(/./g, (digit) => BASE32[BASE32HEX.indexOf(digit)] ?? ''));
  const base64 = inGroups(text, 3, (value) => value.toString('base64'), 4 / 3);
  const base64url = inGroups(text, 3, (value) => value.toString('base64url'), 4 / 3);
  const utf16be = Buffer.from(text, 'utf16le').swap16();
  const texts = [
    ...base64,
    ...base64url,
    ...hex32,
    ...base32,
    ...base32.map((digits) => digits.toLowerCase()),
    bytes.toString('hex'),
    bytes.toString('hex').toUpperCase(),
    encodeURIComponent(text),
    [...bytes].map((byte) => `%${byte.toString(16)}`).join(''),
    JSON.stringify(text).slice(1, -1),
    text.toLowerCase(),
  ];
  return [
    bytes,
    Buffer.from(text, 'utf16le'),
    utf16be,
    Buffer.from(bytes.toReversed()),
    ...texts.map((form) => Buffer.from(form)),
  ];
}

function leaks(canaries: readonly string[], haystack: Uint8Array): string[] {
  const bytes = Buffer.from(haystack.buffer, haystack.byteOffset, haystack.length);
  return canaries.filter((canary) => encodings(canary).some((form) => bytes.includes(form)));
}

it('finds a canary in every encoding', () => {
  for (const canary of ALL) {
    for (const form of encodings(canary))
      expect(leaks([canary], Buffer.concat([Buffer.from('ab'), form, Buffer.from('yz')]))).toEqual([canary]);
    for (const shift of [0, 1, 2, 3, 4]) {
      const padded = Buffer.concat([Buffer.alloc(shift, 7), Buffer.from(canary), Buffer.alloc(9)]);
      expect(leaks([canary], Buffer.from(padded.toString('base64')))).toEqual([canary]);
      expect(leaks([canary], Buffer.from(encodeBase32(padded)))).toEqual([canary]);
    }
  }
});

// T-CURIOUS-01
it.each(PLACES.filter(([name]) => LONG || name === 'file'))(
  'no name and no byte at %s holds anything of what is stored',
  async (_name, make) => {
    const place = usePlace(make);
    const unlock = passphrase(PASSPHRASE);
    const store = await createAt(place, { unlock, categories: { [CATEGORY]: [`${NAME}/secret/**`] } });
    const large = Buffer.concat(
      Array.from({ length: sized({ short: 5000, full: 20_000, torture: 20_000 }) }, () => Buffer.from(PAYLOAD)),
    );
    for (const key of [`${NAME}/secret/a`, `${NAME}/b/${NAME}`, NAME.repeat(20)]) {
      await store.store(key, PAYLOAD, { metadata: { [METADATA]: METADATA } });
      await store.store(key, large, { metadata: { [METADATA]: METADATA } });
      await store.setMetadata(key, { [METADATA]: 1 });
      await store.delete(key);
      await store.undelete(key);
    }
    const attacker = await attack(place);
    for (const [name, body] of await attacker.copy()) {
      expect(leaks(ALL, Buffer.from(name)), name).toEqual([]);
      expect(leaks(ALL, body), name).toEqual([]);
    }
  },
);

// T-CURIOUS-01
it('no error and no log line holds a payload, a metadata value or the passphrase', async () => {
  const place = usePlace(memoryPlace);
  const lines: unknown[] = [];
  const log = (...line: unknown[]): void => void lines.push(line);
  const logger = { debug: log, info: log, warn: log, error: log };
  const injector = createFaultInjector();
  const unlock = passphrase(PASSPHRASE);
  const store = await createAt(place, { unlock, logger, layers: [injector.layer] });
  const attacker = await attack(place);
  const metadata = { value: METADATA };
  const large = PAYLOAD.repeat(10_000);
  await store.store('k', PAYLOAD, { metadata });
  await store.store('k', large, { metadata });
  const name = (await attacker.names('o/'))[0] ?? '';
  const record = await attacker.get(name);
  const thrown: unknown[] = [];
  const note = async (call: () => Promise<unknown>): Promise<void> => {
    try {
      await call();
    } catch (error) {
      thrown.push(error);
    }
  };
  const calls: readonly (() => Promise<unknown>)[] = [
    () => store.store('k', PAYLOAD, { metadata, ifAbsent: true }),
    () => store.store('k', large, { metadata, ifVersion: '00000000000-00000000' }),
    () => store.store('k', `${PAYLOAD}\ud800`, { metadata }),
    () => store.store('k', { secret: PAYLOAD } as never, { metadata }),
    () => store.store('k', PAYLOAD, { metadata: { value: METADATA.repeat(5000) } }),
    () => store.store('k', PAYLOAD, { metadata: { value: METADATA, big: 1n } }),
    () => store.store('k', PAYLOAD, { metadata: METADATA } as never),
    () => store.store('k', PAYLOAD, { metadata, expires: PAYLOAD } as never),
    () => store.store('k', PAYLOAD, { metadata, ifVersion: PAYLOAD }),
    () => store.setMetadata('k', metadata, { ifVersion: '00000000000-00000000' }),
    async () => (await store.retrieve('k')).json(),
    () => openAt(place, { unlock: passphrase(`${PASSPHRASE}!`), logger }),
    () => createAt(place, { unlock, logger }),
  ];
  for (const call of calls) await note(call);
  const orderly = thrown.length;
  expect(orderly).toBe(calls.length);
  for (const type of ['fail', 'lose-acknowledgement'] as const) {
    injector.plan(() => ({ type }));
    for (const call of calls.slice(0, 2)) await note(call);
    await note(() => store.store('k', PAYLOAD, { metadata }));
    await note(() => store.retrieve('k'));
    injector.plan(undefined);
  }
  for (let at = 0; at < record.length; at += 5) {
    await attacker.put(name, flipped(record, at));
    await note(() => store.retrieve('k'));
    await note(() => store.store('k', PAYLOAD, { metadata }));
  }
  expect(thrown.length).toBeGreaterThan(orderly + 20);
  for (const error of [...thrown, ...lines]) {
    const shown = inspect(error, { depth: Number.POSITIVE_INFINITY, showHidden: true });
    const causes: string[] = [];
    for (let cause: unknown = error; cause instanceof Error; cause = cause.cause)
      causes.push(cause.message, cause.stack ?? '');
    const all = Buffer.from(`${shown}\n${String(error)}\n${JSON.stringify(error)}\n${causes.join('\n')}`);
    expect(leaks([PAYLOAD, METADATA, PASSPHRASE], all), shown).toEqual([]);
  }
});
