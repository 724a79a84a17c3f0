import { SecureStoreError } from '@securestore/core-format';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { ObjectInfo, SecureStorage } from '../../src/index.ts';
import { withoutBatch } from '../support/places.ts';
import { patterned, usePlace } from '../support/stores.ts';
import type { Surface } from './surface.ts';
import { sized } from '../../../../tools/campaigns/src/size.ts';

/** A version as the model knows it; without data it is a deletion, whose version shows only in the history. */
interface Version {
  version?: string;
  readonly data?: Buffer;
  readonly metadata: object;
}

/** What is expected of a call: the error code, or nothing where it succeeds. */
type Expected = 'CONFLICT' | 'NOT_FOUND' | undefined;

interface Step {
  readonly client: number;
  readonly key: string;
  readonly action: 'store' | 'setMetadata' | 'delete' | 'purge' | 'undelete' | 'restoreVersion' | 'read' | 'reopen';
  readonly condition: 'none' | 'absent' | 'current' | 'stale';
  readonly pick: number;
  readonly size: number;
}

const step: fc.Arbitrary<Step> = fc.record({
  client: fc.nat(2),
  key: fc.constantFrom('a', 'a/b', 'n'.repeat(400)),
  action: fc.oneof(
    { weight: 4, arbitrary: fc.constant('store' as const) },
    {
      weight: 5,
      arbitrary: fc.constantFrom(
        'setMetadata' as const,
        'delete' as const,
        'undelete' as const,
        'restoreVersion' as const,
      ),
    },
    { weight: 3, arbitrary: fc.constant('read' as const) },
    { weight: 2, arbitrary: fc.constantFrom('purge' as const, 'reopen' as const) },
  ),
  condition: fc.oneof(
    { weight: 3, arbitrary: fc.constant('none' as const) },
    { weight: 2, arbitrary: fc.constantFrom('absent' as const, 'current' as const, 'stale' as const) },
  ),
  pick: fc.nat(20),
  size: fc.constantFrom(0, 10, 70_000),
});

const NEVER = '00000000000-00000000';

/** The versions of one object, oldest first. */
class ModelObject {
  versions: Version[] = [];

  get current(): Version | undefined {
    return this.versions.at(-1);
  }

  get live(): Version | undefined {
    return this.current?.data === undefined ? undefined : this.current;
  }

  pick(index: number): Version | undefined {
    return this.versions.length === 0 ? undefined : this.versions[index % this.versions.length];
  }
}

interface Plan {
  readonly expected: Expected;
  readonly run: (store: SecureStorage) => Promise<unknown>;
  /** What it does to the model, given what it returned. */
  readonly apply: (result: unknown) => void;
}

/** Conditions as options, and whether they hold. */
function conditionOf(object: ModelObject, { condition, pick, action }: Step): { options: object; holds: boolean } {
  const { live } = object;
  if (condition === 'absent' && action === 'store') return { options: { ifAbsent: true }, holds: live === undefined };
  if (condition === 'current') return { options: { ifVersion: live?.version ?? NEVER }, holds: live !== undefined };
  if (condition === 'stale') {
    const version = object.pick(pick)?.version ?? NEVER;
    return { options: { ifVersion: version }, holds: live?.version === version };
  }
  return { options: {}, holds: true };
}

function append(object: ModelObject, data: Buffer, metadata: object): (result: unknown) => void {
  return (result) => {
    const { version, size } = result as ObjectInfo;
    expect(size).toBe(data.length);
    object.versions.push({ version, data, metadata });
  };
}

function planChange(object: ModelObject, given: Step, serial: number): Plan {
  const { key, pick, size } = given;
  const { live } = object;
  const { options, holds } = conditionOf(object, given);
  const metadata = { serial };
  const conflict = holds ? undefined : 'CONFLICT';
  if (given.action === 'store') {
    const data = patterned(size, serial);
    return {
      expected: conflict,
      run: (store) => store.store(key, data, { ...options, metadata }),
      apply: append(object, data, metadata),
    };
  }
  if (given.action === 'setMetadata') {
    return {
      expected: conflict ?? (live === undefined ? 'NOT_FOUND' : undefined),
      run: (store) => store.setMetadata(key, metadata, options),
      apply: append(object, live?.data ?? Buffer.alloc(0), metadata),
    };
  }
  if (given.action === 'delete') {
    return {
      expected: conflict,
      run: (store) => store.delete(key, options),
      apply(result) {
        expect(result).toBe(live !== undefined);
        if (live !== undefined) object.versions.push({ metadata: {} });
      },
    };
  }
  const chosen = object.pick(pick);
  const version = chosen?.version ?? NEVER;
  const missing = chosen?.data === undefined || chosen.version === undefined;
  return {
    expected: missing ? 'NOT_FOUND' : conflict,
    run: (store) => store.restoreVersion(key, version, options),
    apply: append(object, chosen?.data ?? Buffer.alloc(0), chosen?.metadata ?? {}),
  };
}

function plan(object: ModelObject, given: Step, serial: number): Plan {
  const { key } = given;
  const { live } = object;
  if (given.action === 'undelete') {
    const source = object.versions.findLast(({ data }) => data !== undefined);
    return {
      expected: source === undefined ? 'NOT_FOUND' : live === undefined ? undefined : 'CONFLICT',
      run: (store) => store.undelete(key),
      apply: append(object, source?.data ?? Buffer.alloc(0), source?.metadata ?? {}),
    };
  }
  if (given.action === 'purge') {
    return {
      expected: undefined,
      run: (store) => store.purge(key),
      apply(result) {
        expect(result).toBe(live !== undefined || object.versions.length > 1);
        if (result === true) object.versions = [{ metadata: {} }];
      },
    };
  }
  return planChange(object, given, serial);
}

async function compare(store: SecureStorage, key: string, object: ModelObject): Promise<void> {
  const { live } = object;
  expect(await store.has(key)).toBe(live !== undefined);
  const found = await store.retrieve(key).catch((error: unknown) => error);
  if (live === undefined) {
    expect(found).toMatchObject({ code: 'NOT_FOUND', key });
  } else {
    const { data, metadata, info } = found as Awaited<ReturnType<SecureStorage['retrieve']>>;
    expect(live.data?.equals(data)).toBe(true);
    expect(metadata).toEqual(live.metadata);
    expect(info.version).toBe(live.version);
  }
  if (object.versions.length === 0) {
    await expect(store.history(key)).rejects.toMatchObject({ code: 'NOT_FOUND' });
    return;
  }
  const history = (await store.history(key)).toReversed();
  expect(history.map(({ deleted, current }) => ({ deleted, current }))).toEqual(
    object.versions.map(({ data }, index) => ({
      deleted: data === undefined,
      current: index === object.versions.length - 1,
    })),
  );
  for (const [index, entry] of history.entries()) {
    const version = object.versions[index];
    if (version === undefined) throw new Error('lengths were compared');
    version.version ??= entry.version;
    expect(entry.version).toBe(version.version);
    if (version.data === undefined) continue;
    const old = await store.retrieve(key, { version: entry.version });
    expect(version.data.equals(old.data)).toBe(true);
    expect(old.metadata).toEqual(version.metadata);
  }
}

async function perform(store: SecureStorage, { expected, run, apply }: Plan, object: ModelObject): Promise<void> {
  let result: unknown;
  try {
    result = await run(store);
  } catch (error) {
    if (!SecureStoreError.is(error) || error.code !== expected) throw error;
    if (expected === 'CONFLICT') expect(error.currentVersion).toBe(object.live?.version);
    return;
  }
  expect(expected).toBeUndefined();
  apply(result);
}

/** Random sequences of calls, beside a simple model of what they do. */
export function describeModel(surface: Surface): void {
  describe.each(surface.places)('any sequence of calls by three clients over %s', (name, make) => {
    it.each([
      ['with batches', undefined],
      ['without batches', withoutBatch],
    ] as const)('does what a simple model does, %s', async (_kind, wrap) => {
      const extras = wrap === undefined ? {} : { wrap };
      await fc.assert(
        fc.asyncProperty(fc.array(step, { minLength: 20, maxLength: 60, size: 'max' }), async (steps) => {
          const place = usePlace(make);
          const clients = [
            await surface.createAt(place, extras),
            await surface.openAt(place, extras),
            await surface.openAt(place, extras),
          ];
          const objects = new Map<string, ModelObject>();
          for (const [serial, given] of steps.entries()) {
            const object = objects.get(given.key) ?? new ModelObject();
            objects.set(given.key, object);
            if (given.action === 'reopen') {
              await clients[given.client]?.close();
              clients[given.client] = await surface.openAt(place, extras);
            }
            const store = clients[given.client];
            if (store === undefined) throw new Error('no such client');
            if (given.action === 'read' || given.action === 'reopen') await compare(store, given.key, object);
            else await perform(store, plan(object, given, serial + 1), object);
          }
          for (const [index, store] of clients.entries()) {
            for (const [key, object] of objects) await compare(store, key, object);
            const names = [...objects].filter(([, { live }]) => live !== undefined).map(([key]) => key);
            expect(await store.list(), `client ${index}`).toEqual(names.toSorted());
          }
          for (const store of clients) await store.close();
          await place.remove();
        }),
        {
          numRuns: Math.ceil(
            sized({ short: name === 'memory' ? 3 : 1, full: name === 'memory' ? 20 : 3, torture: 500 }) * surface.share,
          ),
        },
      );
    });
  });
}
