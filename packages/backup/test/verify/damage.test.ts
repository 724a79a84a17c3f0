import { SecureStoreError } from '@securestore/core-format';
import { rawKey } from '@securestore/crypto';
import { describe, expect, it } from 'vitest';
import { patterned } from '../../../objects/test/support/stores.ts';
import type { BackupVerifyReport } from '../../src/index.ts';
import { scrubBackup, verifyOpenedBackup } from '../../src/index.ts';
import type { Contents, World } from '../support/worlds.ts';
import {
  backupAt,
  backupsOf,
  contentsOf,
  filesAt,
  reached,
  restoredFrom,
  snapshotAt,
  worldOf,
} from '../support/worlds.ts';
import { LONG, sized } from '../../../../tools/campaigns/src/size.ts';

const NAMES = ['a', 'b', 'c', 'd', 'e'];
const POSITIONS = sized({ short: 1, full: 4, torture: 40 });
const OLD = rawKey(Buffer.alloc(32, 8));

/** A destination with three snapshots that share files, and what each of them is of. */
interface Scene extends World {
  readonly points: ReadonlyMap<number, Contents>;
  readonly files: ReadonlyMap<string, Buffer>;
  /** Puts files in the place of others, or removes them, and later all back as they were. */
  readonly put: (changed: ReadonlyMap<string, Buffer | undefined>) => Promise<void>;
}

async function newScene(): Promise<Scene> {
  const world = await worldOf();
  const { store, destination } = world;
  const points = new Map<number, Contents>();
  await store.store('a', 'one', { metadata: { n: 1 } });
  await store.store('b', patterned(80_000, 2));
  await store.store('c', 'old');
  await snapshotAt(store, destination);
  points.set(1, await contentsOf(store, NAMES));
  await store.store('a', 'two');
  await store.store('d', patterned(70_000, 3));
  await store.delete('c');
  await snapshotAt(store, destination);
  points.set(2, await contentsOf(store, NAMES));
  await store.store('e', 'three');
  await store.purge('b');
  await snapshotAt(store, destination);
  points.set(3, await contentsOf(store, NAMES));
  const files = await filesAt(destination);
  const backend = await reached(destination);
  const put: Scene['put'] = async (changed) => {
    for (const [name, body] of changed) {
      if (body === undefined) await backend.delete(name);
      else await backend.write(name, body);
    }
  };
  return { ...world, points, files, put };
}

async function verified({ destination, clock }: World): Promise<BackupVerifyReport | SecureStoreError> {
  try {
    return await verifyOpenedBackup(await backupAt(destination, clock), { depth: 'opens' });
  } catch (error) {
    if (SecureStoreError.is(error)) return error;
    throw error;
  }
}

/**
 * A file that is not what it was is named, and the snapshots that it affects; these are refused, or restored without what is damaged,
 * and the others are restored.
 */
async function expectNoticed(scene: Scene, name: string, what: string): Promise<void> {
  const { destination, clock, points } = scene;
  const report = await verified(scene);
  // Without its keys nothing of a backup opens.
  if (report instanceof Error) {
    expect(name, what).toBe('keys');
    expect(report.message, what).not.toBe('');
    return;
  }
  expect(report.ok, what).toBe(false);
  const named = report.findings.filter((finding) => finding.name === name);
  expect(named.length, `${what}: ${JSON.stringify(report.findings)}`).toBeGreaterThan(0);
  const affected = new Set(named.flatMap(({ snapshots }) => snapshots));
  expect(affected.size, what).toBeGreaterThan(0);
  for (const [snapshot, expected] of points) {
    if (!affected.has(snapshot)) {
      const { store } = await restoredFrom(destination, clock, { snapshot });
      expect(await contentsOf(store, NAMES), `${what}: ${snapshot}`).toEqual(expected);
      await store.close();
      continue;
    }
    await expectRefused(scene, snapshot, expected, `${what}: ${snapshot}`);
  }
}

/** Whoever hosts the files sees it too, without a key. */
async function expectScrubbed({ destination }: Scene, name: string, kind: string, what: string): Promise<void> {
  const { ok, findings } = await scrubBackup({ backend: await reached(destination), url: destination.url });
  expect(ok, what).toBe(false);
  expect(findings, what).toContainEqual(expect.objectContaining({ kind, name }));
}

async function expectRefused(scene: Scene, snapshot: number, expected: Contents, what: string): Promise<void> {
  const { destination, clock } = scene;
  const refused = await restoredFrom(destination, clock, { snapshot }).catch((error: unknown) => error);
  // Missing as a whole, or under a key that is gone.
  const codes = ['INTEGRITY', 'NOT_FOUND', 'KEY_DESTROYED'];
  expect(SecureStoreError.is(refused) && codes.includes(refused.code), `${what}: ${String(refused)}`).toBe(true);
  const partial = await restoredFrom(destination, clock, { snapshot, partial: true }).catch((error: unknown) => error);
  if (partial instanceof Error) {
    // Of what lies where nobody knows anything any more.
    expect(SecureStoreError.is(partial) && ['INTEGRITY', 'NOT_FOUND'].includes(partial.code), what).toBe(true);
    return;
  }
  const { store, report } = partial as Awaited<ReturnType<typeof restoredFrom>>;
  expect(report.failed.length, what).toBeGreaterThan(0);
  const contents = await contentsOf(store, NAMES);
  const missing = Object.keys(expected).filter((key) => contents[key] === undefined);
  // What is there is what was there, and no older version passes for the current one.
  for (const [key, versions] of Object.entries(contents)) {
    const known = expected[key] ?? [];
    for (const version of versions) expect(known, what).toContainEqual(version);
    if (versions[0]?.state.includes('current')) expect(versions[0], what).toEqual(known[0]);
  }
  expect(missing.length + report.failed.length, what).toBeGreaterThan(0);
  await store.close();
}

/** In a short run one file of each kind. If a kind has several, `turn` chooses. */
function filesToDamage({ files }: Scene, turn: number): (readonly [string, Buffer])[] {
  if (LONG) return [...files];
  const kinds = Map.groupBy(files, ([name]) => kindOf(name));
  return [...kinds.values()].flatMap((some) => some.slice(turn % some.length, (turn % some.length) + 1));
}

const kindOf = (name: string): string =>
  name.includes('/') ? `${name.slice(0, 2)}${name.endsWith('@') ? '@' : ''}` : name;

describe('a file of a destination', () => {
  it('that is missing is noticed', async () => {
    const scene = await newScene();
    for (const [name, body] of filesToDamage(scene, 1)) {
      if (name === 'keys') continue;
      await scene.put(new Map([[name, undefined]]));
      if (name === [...scene.files.keys()].find((one) => one.startsWith('s/'))) {
        // Without the store nobody can know that there was a newer one.
        expect(await verified(scene), name).toMatchObject({ ok: true, snapshots: 2 });
      } else {
        await expectNoticed(scene, name, `${name} is missing`);
      }
      await scene.put(new Map([[name, body]]));
    }
    expect(await verified(scene)).toMatchObject({ ok: true, findings: [] });
  });

  it('of which a byte is another is noticed', async () => {
    const scene = await newScene();
    for (const [name, body] of filesToDamage(scene, 2)) {
      const every = Math.max(1, Math.floor(body.length / POSITIONS));
      for (let at = 0; at < body.length; at += every) {
        const damaged = Buffer.from(body);
        damaged[at] = (damaged[at] ?? 0) ^ 0x41;
        await scene.put(new Map([[name, damaged]]));
        await expectNoticed(scene, name, `${name} at ${at}`);
        await expectScrubbed(scene, name, 'damaged', `${name} at ${at}`);
      }
      await scene.put(new Map([[name, body]]));
    }
    expect(await verified(scene)).toMatchObject({ ok: true, findings: [] });
  });

  it('that is cut off, or goes on, is noticed', async () => {
    const scene = await newScene();
    for (const [at, [name, body]] of filesToDamage(scene, 0).entries()) {
      const half = body.subarray(0, body.length >> 1);
      const all = [Buffer.alloc(0), half, body.subarray(0, -1), Buffer.concat([body, Buffer.alloc(1)])];
      for (const damaged of LONG ? all : all.slice(at % 4, (at % 4) + 1)) {
        await scene.put(new Map([[name, damaged]]));
        await expectNoticed(scene, name, `${name} of ${damaged.length} bytes`);
        await expectScrubbed(scene, name, 'damaged', `${name} of ${damaged.length} bytes`);
      }
      await scene.put(new Map([[name, body]]));
    }
  });

  it('that has changed places with another of its kind is noticed', async () => {
    const scene = await newScene();
    const files = [...scene.files];
    let swaps = 0;
    for (const [name, body] of filesToDamage(scene, 1)) {
      for (const [other, instead] of files) {
        if (other === name || kindOf(other) !== kindOf(name) || instead.equals(body)) continue;
        await scene.put(new Map([[name, instead]]));
        await expectNoticed(scene, name, `${name} is ${other}`);
        swaps += 1;
        if (!LONG) break;
      }
      await scene.put(new Map([[name, body]]));
    }
    expect(swaps).toBeGreaterThan(LONG ? 20 : 5);
  });
});

describe('looking without keys', () => {
  it('says how many files are as they were written, also beside what runs and what was interrupted', async () => {
    const { store, destination, files } = await newScene();
    const backend = await reached(destination);
    const place = { backend, url: destination.url };
    const bytes = [...files.values()].reduce((sum, { length }) => sum + length, 0);
    expect(await scrubBackup(place)).toEqual({
      ok: true,
      depth: 'unchanged',
      snapshots: 3,
      files: files.size,
      bytes,
      decrypted: 0,
      found: 0,
      findings: [],
    });
    // Parts without the list of their digests, as a run leaves them that ended too early.
    await backend.write(`b/0000000000g-${'0'.repeat(26)}/00000000`, Buffer.from('part'));
    const seen: { phase: string; done: number; total?: number }[] = [];
    const onProgress = (progress: (typeof seen)[number]): void => void seen.push(progress);
    expect(await scrubBackup(place, { onProgress })).toMatchObject({ ok: true, snapshots: 3 });
    expect(seen.filter(({ phase }) => phase === 'checking snapshots')).toMatchObject([
      { done: 1, total: 3 },
      { done: 2, total: 3 },
      { done: 3, total: 3 },
    ]);
    await backupsOf(store, [destination]).forget(destination.url, (points) => points.map(({ number }) => number));
    expect(await scrubBackup(place)).toMatchObject({ ok: true, findings: [] });
  });

  it('finds what is missing beside what is there', async () => {
    const scene = await newScene();
    const found: string[] = [];
    for (const [name, body] of scene.files) {
      if (name !== 'keys' && !name.startsWith('e/') && !(name.startsWith('b/') && !name.endsWith('@'))) continue;
      await scene.put(new Map([[name, undefined]]));
      await expectScrubbed(scene, name, 'missing', name);
      await scene.put(new Map([[name, body]]));
      found.push(name.slice(0, 2));
    }
    expect(new Set(found)).toEqual(new Set(['ke', 'e/', 'b/']));
  });

  it('is NOT_FOUND where no backup lies, and says so of what no backup writes', async () => {
    const scene = await newScene();
    const { destination, put } = scene;
    await put(new Map([['s/strange', Buffer.from('x')]]));
    await expectScrubbed(scene, 's/strange', 'damaged', 'a strange name');
    const backend = await reached(destination);
    for (const name of (await filesAt(destination)).keys()) await backend.delete(name);
    await expect(scrubBackup({ backend, url: 'file:/there' })).rejects.toMatchObject({
      code: 'NOT_FOUND',
      message: 'no backup exists at file:/there',
    });
  });
});

describe('a file of a destination that was rolled back', () => {
  it('is noticed where it is that of the keys, and something was backed up since', async () => {
    const scene = await newScene();
    const { store, destination, files, put } = scene;
    await store.slots.add(OLD);
    await store.store('e', 'four');
    await snapshotAt(store, destination);
    await put(new Map([['keys', files.get('keys')]]));
    const report = await verified(scene);
    expect(report).toMatchObject({
      ok: false,
      findings: [{ kind: 'rolled-back', name: 'keys', snapshots: [4, 3, 2, 1] }],
    });
  });

  it('is noticed, and replaced by the next backup, where it is that of the keys and nothing was backed up since', async () => {
    const scene = await newScene();
    const { store, destination, files, put } = scene;
    await backupsOf(store, [destination]).backup(destination.url);
    await store.slots.add(OLD);
    await put(new Map([['keys', files.get('keys')]]));
    // That there were others says the point that came with them.
    expect(await verified(scene)).toMatchObject({ ok: false, findings: [{ kind: 'rolled-back', name: 'keys' }] });
    await snapshotAt(store, destination);
    expect(await verified(scene)).toMatchObject({ ok: true });
    const backup = await backupAt(destination, scene.clock, { unlock: OLD });
    expect(await backup.describe()).toMatchObject({ number: 6 });
  });

  it('is noticed where it has the envelopes of records, under keys that are gone', async () => {
    const scene = await newScene();
    const { store, destination, files, put } = scene;
    const backups = backupsOf(store, [destination]);
    await store.slots.add(OLD);
    await backups.backup(destination.url);
    const { retired } = await store.rotateEncryptionKey(OLD, rawKey(Buffer.alloc(32, 9)));
    for (const id of retired) await store.encryptionKeys.destroy(id, { waitingPeriod: 0 });
    expect(await verified(scene)).toMatchObject({ ok: true });
    for (const [name, body] of files) {
      if (!name.startsWith('e/')) continue;
      const now = (await filesAt(destination)).get(name);
      expect(now?.equals(body), name).toBe(false);
      await put(new Map([[name, body]]));
      await expectNoticed(scene, name, `${name} is old`);
      await put(new Map([[name, now]]));
    }
  });

  it('is noticed by the store where it is the newest snapshots, and by nobody else', async () => {
    const scene = await newScene();
    const { store, destination, put } = scene;
    const [newest = ''] = (await filesAt(destination, 's/')).keys();
    await put(new Map([[newest, undefined]]));
    expect(await verified(scene)).toMatchObject({ ok: true, snapshots: 2 });
    const { findings } = await snapshotAt(store, destination);
    expect(findings).toMatchObject([expect.stringMatching(/^the newest snapshot at \S+ was 3, and is now 2: /)]);
  });
});
