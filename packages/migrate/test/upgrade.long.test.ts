import { globSync, readFileSync } from 'node:fs';
import type { Layer, StorageBackend } from '@securestore/backend-api';
import { createFaultInjector, forwardTo } from '@securestore/backend-api';
import { HEAD_NAME, SecureStoreError } from '@securestore/core-format';
import { describe, expect, it } from 'vitest';
import { contentsOf } from '../../../tools/golden/src/contents.ts';
import type { Golden } from '../../../tools/golden/src/scenario.ts';
import { methodOf } from '../../../tools/golden/src/scenario.ts';
import { EagerClock } from '../../objects/test/support/eager-clock.ts';
import type { Place } from '../../objects/test/support/places.ts';
import { memoryPlace } from '../../objects/test/support/places.ts';
import { createAt, failure, openAt, patterned, usePlace } from '../../objects/test/support/stores.ts';
import type { FormatStep } from '../src/index.ts';
import { upgradeFormat } from '../src/index.ts';
import { reached } from './support/moves.ts';
import { LONG, sized } from '../../../tools/campaigns/src/size.ts';

// A version that there is not: another number, and everything after it turned over.
const AT = 4;
const isOurs = (body: Uint8Array): boolean => body.length > AT && body[0] === 0x53 && body[1] === 0x53;
const turned = (body: Uint8Array, version: number): Buffer => {
  const other = Buffer.from(body);
  for (let at = AT + 1; at < other.length; at++) other[at] = (other[at] ?? 0) ^ 0x5a;
  other[AT] = version;
  return other;
};

const STEP: FormatStep = {
  from: 1,
  to: 2,
  // The later parts of a payload say nothing of a version, and are the same in both.
  versionOf: (_, body) => (isOurs(body) ? (body[AT] ?? 0) : 2),
  convert: (_, body) => turned(body, 2),
};

const asRead = (body: Uint8Array): Uint8Array => (isOurs(body) && body[AT] === 2 ? turned(body, 1) : body);
const asWritten = (body: Uint8Array): Uint8Array => (isOurs(body) && body[AT] === 1 ? turned(body, 2) : body);

/** What a release does that reads both versions and writes the new one. */
const release2: Layer = (inner: StorageBackend) => {
  const outer = forwardTo(inner, {
    async read(key, { start, end, ...options } = {}) {
      const found = await inner.read(key, options);
      if (found === undefined) return undefined;
      const body = asRead(found.body);
      if (start === undefined && end === undefined) return { ...found, body };
      const { etag: _, ...rest } = found;
      return { ...rest, body: body.subarray(start, end) };
    },
    write: (key, body, options) => inner.write(key, asWritten(body), options),
    declare: (capabilities) => ({ ...capabilities, atomicBatch: false, maxBatch: 0 }),
  });
  delete outer.batch;
  return outer;
};

const folder = new URL('../../objects/test/golden/', import.meta.url);
const files = globSync('*/*.json', { cwd: folder }).toSorted();

async function bodiesAt(place: Place): Promise<Map<string, number>> {
  const backend = await reached(place);
  const { entries } = await backend.list('');
  const found = new Map<string, number>();
  for (const { key } of entries) {
    const body = (await backend.read(key))?.body ?? Buffer.alloc(0);
    found.set(key, STEP.versionOf(key, body));
  }
  return found;
}

// In a short run every second one: the tests of golden stores read all.
describe.each(files.filter((_, at) => LONG || at % 2 === 0))('the golden store %s', (file) => {
  it('is brought to a version that there is not, and has in it what it had', async () => {
    const golden = JSON.parse(readFileSync(new URL(file, folder), 'utf8')) as Golden;
    const [first] = golden.unlock;
    if (first === undefined) throw new Error('nothing unlocks it');
    const unlock = methodOf(first);
    // Its objects were written at the time of the test.
    const clock = new EagerClock(Date.now());
    const place = usePlace(() => memoryPlace(() => clock.now()));
    const backend = await reached(place);
    for (const [name, body] of Object.entries(golden.objects)) await backend.write(name, Buffer.from(body, 'base64'));
    const store = await openAt(place, { clock, unlock, layers: [release2] });
    const report = await upgradeFormat(store, backend, STEP);
    expect(report).toMatchObject({ from: 1, to: 2, failed: [] });
    expect(report.converted).toBeGreaterThan(10);
    expect([...(await bodiesAt(place)).values()].every((version) => version === 2)).toBe(true);
    expect(await contentsOf(store, golden.others)).toMatchObject(golden.contents);
    expect(await store.verify({ payloads: true })).toMatchObject({ findings: [] });
    await store.close();
    // A release from before says what is the matter, and changes nothing.
    await failure(openAt(place, { clock, unlock }), 'FORMAT_VERSION');
  }, 120_000);
});

/** A store with some objects, closed. */
async function world(): Promise<{ clock: EagerClock; place: Place }> {
  const clock = new EagerClock();
  const place = usePlace(() => memoryPlace(() => clock.now()));
  const store = await createAt(place, { clock });
  await store.store('a', 'one');
  await store.store('a', 'two');
  await store.store('large', patterned(5_000_000, 3));
  await store.checkpoint();
  await store.close();
  return { clock, place };
}

describe('a format upgrade', () => {
  it('is gone on with wherever it was stopped', async () => {
    for (let k = 0; ; k += sized({ short: 9, full: 3, torture: 3 })) {
      const { clock, place } = await world();
      const injector = createFaultInjector(({ index }) => (index === k ? { type: 'kill-after' } : undefined));
      const first = await openAt(place, { clock, layers: [release2] });
      const raw = await reached(place, [injector.layer]);
      const done = await Promise.race([
        Promise.resolve(upgradeFormat(first, raw, STEP)).then(() => true),
        injector.killed.then(() => false),
      ]);
      const store = await openAt(place, { clock, layers: [release2] });
      if (!done) {
        await failure(store.store('b', 'not now'), 'LOCKED');
        // Whoever ran it has died, which shows after a while.
        clock.advance(60_000);
        await upgradeFormat(store, await reached(place), STEP);
      }
      const versions = await bodiesAt(place);
      expect(
        [...versions].filter(([, version]) => version !== 2),
        `stopped at ${k}`,
      ).toEqual([]);
      expect((await store.retrieve('a')).text()).toBe('two');
      expect(await store.history('a')).toHaveLength(2);
      expect((await store.retrieve('large')).data).toEqual(new Uint8Array(patterned(5_000_000, 3)));
      await store.store('b', 'now');
      expect(await store.verify({ payloads: true })).toMatchObject({ findings: [] });
      await store.close();
      if (done) {
        expect(k).toBeGreaterThan(10);
        break;
      }
    }
  }, 240_000);

  it('leaves what it does not know as it is, and says so', async () => {
    const { clock, place } = await world();
    const raw = await reached(place);
    const strange = turned(Buffer.from('SSRC\u0007 of a version to come'), 7);
    await raw.write('o/0123', strange);
    const store = await openAt(place, { clock, layers: [release2] });
    const { failed } = await upgradeFormat(store, raw, STEP);
    expect(failed).toMatchObject([{ name: 'o/0123', code: 'FORMAT_VERSION' }]);
    expect(Buffer.from((await raw.read('o/0123'))?.body ?? [])).toEqual(strange);
    const again = await upgradeFormat(store, raw, STEP);
    expect(again.converted).toBe(0);
  });

  it('does not begin while the store moves, nor with a head that it does not know', async () => {
    const { clock, place } = await world();
    const raw = await reached(place);
    const store = await openAt(place, { clock, layers: [release2] });
    const never: FormatStep = { ...STEP, from: 5, to: 6, versionOf: (_, body) => body[AT] ?? 0 };
    const error = await upgradeFormat(store, raw, never).catch((reason: unknown) => reason);
    expect(SecureStoreError.is(error, 'INTEGRITY')).toBe(true);
    expect((await raw.read(HEAD_NAME))?.body[AT]).toBe(2);
  });
});
