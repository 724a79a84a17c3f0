import type { StorageBackend } from '@securestore/backend-api';
import type { IndexEntry, IndexPage } from '@securestore/core-format';
import {
  backupPartName,
  blobDigestsName,
  compareIndexEntries,
  decodeBackupKeys,
  decodeBlobDigests,
  decodeEnvelopes,
  decodePack,
  encodeEnvelopes,
  envelopesName,
  indexPageName,
  packName,
  parseBackupBlobName,
  parseFileName,
  pointName,
  pointNumber,
  sha256,
} from '@securestore/core-format';
import { describe, expect, it } from 'vitest';
import { attack, flipped } from '../../../objects/test/support/attacker.ts';
import type { Attacker } from '../../../objects/test/support/attacker.ts';
import type { Club } from '../../../objects/test/support/members.ts';
import { club } from '../../../objects/test/support/members.ts';
import { memoryPlace } from '../../../objects/test/support/places.ts';
import { failure, patterned, UNLOCK, usePlace } from '../../../objects/test/support/stores.ts';
import type { OpenedBackup } from '../../src/index.ts';
import { makeSnapshot, openBackup } from '../../src/index.ts';
import { partCount } from '../../src/repository/blobs.ts';
import { PackReader } from '../../src/repository/packs.ts';
import { extensionsOf } from '@securestore/objects/internal';

const STORE_URL = 'memory:backups';

interface World extends Club {
  readonly destination: StorageBackend;
  readonly files: Attacker;
  readonly snapshot: () => Promise<number>;
  readonly backup: () => Promise<OpenedBackup>;
}

async function world(): Promise<World> {
  const all = await club({ journal: true });
  const place = usePlace(() => memoryPlace(() => all.clock.now()));
  const destination = await place.open();
  return {
    ...all,
    destination,
    files: await attack(place),
    async snapshot() {
      const { number } = await makeSnapshot(extensionsOf(all.owner).backup, {
        backend: destination,
        url: STORE_URL,
      });
      return number;
    },
    backup: () => openBackup({ backend: destination, url: STORE_URL, unlock: UNLOCK, clock: all.clock }),
  };
}

/** Objects that come, change, go and are purged, and three snapshots in between. */
async function furnishedWorld(): Promise<World> {
  const all = await world();
  const { owner, snapshot } = all;
  for (let n = 0; n < 40; n++) await owner.store(`red/${n}`, `first ${n}`);
  await owner.store('blue/large', patterned(300_000));
  await snapshot();
  for (let n = 0; n < 40; n += 3) await owner.store(`red/${n}`, `second ${n}`);
  for (let n = 0; n < 40; n += 5) await owner.delete(`red/${n}`);
  await owner.purge('red/7');
  await owner.store('blue/large', patterned(200_000, 2));
  await snapshot();
  await owner.store('red/5', 'back again');
  await owner.store('zz', 'last');
  await snapshot();
  return all;
}

async function entriesOf(backup: OpenedBackup, pages: readonly IndexPage[]): Promise<IndexEntry[]> {
  const found: IndexEntry[] = [];
  for (const page of pages) found.push(...(await backup.pages.read(page)));
  return found;
}

describe('what lies at a destination', () => {
  it('[P-01] [P-17] has the names of the format, and is what its name says', async () => {
    const { files, backup, destination } = await furnishedWorld();
    const opened = await backup();
    const areas = new Set<string>();
    for (const name of await files.names()) {
      const body = await files.get(name);
      areas.add(name.slice(0, 2));
      const file = parseFileName(name);
      const part = parseBackupBlobName(name);
      if (file !== undefined) {
        const named = file.area === 'e/' ? await files.get(packName(file)) : body;
        expect(sha256(named), name).toEqual(file.digest);
        expect(file.epoch).toBeGreaterThan(0);
        if (file.area === 'e/') expect(decodeEnvelopes(body)).toHaveLength(decodePack(named).length);
      } else if (part === undefined) {
        expect(name === 'keys' || pointNumber(name) !== undefined, name).toBe(true);
      }
    }
    expect([...areas].toSorted()).toEqual(['b/', 'd/', 'e/', 'ke', 's/', 'x/']);
    expect(decodeBackupKeys(await files.get('keys')).destination).toEqual(opened.destination.id);
    expect(destination.capabilities.ifAbsent).toBe(true);
  });

  it('[P-10] [P-12] is told by a chain of points, whose pages hold as many entries as they say, in their order', async () => {
    const { files, backup } = await furnishedWorld();
    const opened = await backup();
    let previous: Buffer = Buffer.alloc(32);
    for (const number of [1, 2, 3]) {
      const point = await opened.recoveryPoints.read(number);
      expect(point.previous).toEqual(previous);
      previous = sha256(await files.get(pointName(number)));
      const entries = await entriesOf(opened, point.pages);
      expect(entries).toHaveLength(point.totals.versions);
      for (const [at, entry] of entries.entries()) {
        const before = entries[at - 1];
        if (before !== undefined) expect(compareIndexEntries(before, entry)).toBeLessThan(0);
      }
      const current = entries.filter(({ token }, at) => entries[at - 1]?.token !== token);
      expect(current.filter(({ kind }) => kind === 'object')).toHaveLength(point.totals.objects);
      expect(current.filter(({ kind }) => kind !== 'object')).toHaveLength(point.totals.deleted);
    }
  });

  it('[P-15] has digests of the parts of every payload', async () => {
    const { files, backup } = await furnishedWorld();
    const opened = await backup();
    const { pages } = await opened.recoveryPoints.read(3);
    const blobs = (await entriesOf(opened, pages)).flatMap(({ blob }) => blob ?? []);
    expect(blobs).toHaveLength(2);
    for (const { epoch, blobId, digest, ...sizes } of blobs) {
      const list = await files.get(blobDigestsName(epoch, blobId));
      expect(sha256(list)).toEqual(digest);
      const parts = decodeBlobDigests(list, blobId);
      expect(parts).toHaveLength(partCount(sizes));
      for (const [part, expected] of parts.entries()) {
        expect(sha256(await files.get(backupPartName(epoch, blobId, part)))).toEqual(expected);
      }
    }
  });
});

describe('files of a destination that are not what their names say', () => {
  it('[P-10] are no point: neither another one under its name, nor one that was changed', async () => {
    const { files, backup } = await furnishedWorld();
    await files.swap(pointName(2), pointName(3));
    await failure((await backup()).recoveryPoints.read(3), 'INTEGRITY');
    await files.swap(pointName(2), pointName(3));
    const name = pointName(3);
    const body = await files.get(name);
    await files.put(name, flipped(body, body.length - 1));
    await failure((await backup()).recoveryPoints.read(3), 'INTEGRITY');
  });

  it('[P-17] are no page: neither changed, nor another one, nor one that the point does not describe', async () => {
    const { files, backup } = await furnishedWorld();
    const read = async (page: IndexPage): Promise<unknown> => (await backup()).pages.read(page);
    const [[page], [earlier]] = await Promise.all(
      [3, 1].map(async (number) => (await (await backup()).recoveryPoints.read(number)).pages),
    ).then(([a = [], b = []]) => [a, b] as const);
    if (page === undefined || earlier === undefined) throw new Error('no pages');
    const name = indexPageName(page);
    expect(await read(page)).toHaveLength(page.count);
    await failure(read({ ...page, count: page.count + 1 }), 'INTEGRITY');
    await failure(read({ ...page, firstToken: 'another' }), 'INTEGRITY');
    const body = await files.get(name);
    await files.put(name, flipped(body, body.length - 1));
    await failure(read(page), 'INTEGRITY');
    await files.put(name, await files.get(indexPageName(earlier)));
    await failure(read(page), 'INTEGRITY');
  });

  it('[P-17] are no pack: neither changed, nor with the envelopes of another one', async () => {
    const { files, backup } = await furnishedWorld();
    const opened = await backup();
    const [entry] = await entriesOf(opened, (await opened.recoveryPoints.read(3)).pages);
    if (entry === undefined) throw new Error('no entries');
    const read = (): Promise<Buffer> => new PackReader(opened.destination).read(entry);
    expect(await read()).toHaveLength(entry.size);
    const name = envelopesName(entry.pack);
    const envelopes = await files.get(name);
    await files.put(name, encodeEnvelopes([...decodeEnvelopes(envelopes), undefined]));
    await failure(read(), 'INTEGRITY');
    await files.put(name, envelopes);
    const body = await files.get(packName(entry.pack));
    await files.put(packName(entry.pack), flipped(body, body.length - 1));
    await failure(read(), 'INTEGRITY');
  });
});
