import type { ListEntry } from '@securestore/backend-api';
import {
  AREAS,
  decodeBase32,
  journalPrefix,
  purposeOf,
  SecureStoreError,
  workName,
  workPrefix,
} from '@securestore/core-format';
import { loadCheckpoint, namesOf } from '../../checkpoint/load.ts';
import { CONSUMER_EXPIRES_AFTER, STREAM_CLOSES_AFTER } from '../../engine/journal-limits.ts';
import type { OwnObject } from '../../engine/scan-sealed-objects.ts';
import { ownObjects } from '../../engine/scan-sealed-objects.ts';
import { entriesUnder } from '../../util/listing.ts';
import { deleteUnchanged, isForged } from '../../engine/sealed-objects.ts';
import { isAged } from '../../record/backend-age.ts';
import type { CollectionPass } from './pass.ts';
import { noteFailure } from './report.ts';

const isForeign = ({ key }: ListEntry): boolean => purposeOf(key) === undefined;

/** Whether something that a listing shows is over `age` milliseconds old. */
function isOlder({ engine, now }: CollectionPass, { modified }: ListEntry, age: number): boolean {
  return isAged(engine, modified, now, Math.max(age, engine.gracePeriod));
}

/** Removes what no holder of the keys has written, if it is still that. */
async function remove({ engine, plan, report }: CollectionPass, { name, size, etag }: OwnObject): Promise<void> {
  if (etag === undefined) {
    if (plan === undefined) await engine.backend.delete(name);
  } else if (engine.backend.capabilities.conditionalDelete) {
    if (plan === undefined) await deleteUnchanged(engine, name, etag);
  } else {
    // Without a condition it could be what another process has just written there.
    noteFailure(report, name, new SecureStoreError('INTEGRITY', 'the object is damaged'));
    return;
  }
  report.systemObjects += 1;
  report.bytes += size;
}

async function removeDamaged(
  pass: CollectionPass,
  prefix: string,
  wanted: (entry: ListEntry) => boolean,
): Promise<void> {
  const { engine, signal } = pass;
  for await (const found of ownObjects(engine, prefix, { signal, wanted })) {
    if (found.keyId === undefined) await remove(pass, found);
  }
}

/** The writer of the stream to which a name under `j/` belongs, or that of a registration. */
function writerIn(name: string): Buffer {
  const [, writer = ''] = name.slice(name.startsWith(AREAS.journal) ? 0 : AREAS.work.length).split('/');
  return decodeBase32(writer) ?? Buffer.alloc(0);
}

/** Whether no process uses a stream any more: a writer takes a new one after a day, and others close it after seven. */
async function isSilent(pass: CollectionPass, writer: Buffer): Promise<boolean> {
  for await (const entry of entriesUnder(pass.engine.backend, journalPrefix(writer), { signal: pass.signal })) {
    if (!isOlder(pass, entry, STREAM_CLOSES_AFTER)) return false;
  }
  return true;
}

/**
 * Removes registrations that can't be read. Not while a process may write to the stream: consumers find it by the
 * registration, also by one that is damaged.
 */
async function collectRegistrations(pass: CollectionPass): Promise<void> {
  const { engine, signal } = pass;
  const wanted = (entry: ListEntry): boolean => !isForeign(entry) && isOlder(pass, entry, STREAM_CLOSES_AFTER);
  for await (const found of ownObjects(engine, workPrefix('writer'), { signal, wanted })) {
    if (found.keyId === undefined && (await isSilent(pass, writerIn(found.name)))) await remove(pass, found);
  }
}

/**
 * Removes hints of streams that are not registered: nobody finds them. That goes for genuine ones too, which somebody
 * may have put back, since they would keep their key in use for ever. Streams that are registered are pruned.
 */
async function collectHints(pass: CollectionPass): Promise<void> {
  const { engine, signal } = pass;
  const registered = new Map<string, boolean>();
  for await (const entry of entriesUnder(engine.backend, AREAS.journal, { signal })) {
    if (purposeOf(entry.key) === undefined || !isOlder(pass, entry, 0)) continue;
    const name = workName('writer', writerIn(entry.key));
    if (!registered.has(name)) {
      // Of one stream at a time.
      registered.clear();
      registered.set(name, (await engine.backend.read(name, { signal })) !== undefined);
    }
    if (registered.get(name) === true) continue;
    if (pass.plan === undefined) await engine.backend.delete(entry.key, { signal });
    pass.report.systemObjects += 1;
    pass.report.bytes += entry.size;
  }
}

/** What the head pins stays, damaged or not: `verify` names it. `undefined` if that can't be told. */
async function pinnedNames({ engine, signal }: CollectionPass): Promise<Set<string> | undefined> {
  try {
    return namesOf(await loadCheckpoint(engine, signal));
  } catch (error) {
    if (isForged(error)) return undefined;
    throw error;
  }
}

/**
 * Removes what is stored at names of the store's own areas and was not written there by anybody who has the keys: junk, and
 * what is damaged, once it is so old that nobody can be about to replace it. Names that no store makes go too. Markers are
 * collected with the objects that they belong to.
 */
export async function collectOrphans(pass: CollectionPass): Promise<void> {
  const { engine, signal } = pass;
  for (const area of [AREAS.journal, AREAS.markers]) {
    await removeDamaged(pass, area, (entry) => isForeign(entry) && isOlder(pass, entry, 0));
  }
  await collectRegistrations(pass);
  await removeDamaged(pass, AREAS.work, (entry) => {
    const purpose = purposeOf(entry.key);
    if (purpose === 'writer') return false;
    return isOlder(pass, entry, purpose === 'consumer' ? CONSUMER_EXPIRES_AFTER : 0);
  });
  await collectHints(pass);
  await engine.monitor.refresh(signal);
  const pinned = await pinnedNames(pass);
  await removeDamaged(pass, AREAS.checkpoints, (entry) => {
    if (!isForeign(entry) && (pinned === undefined || pinned.has(entry.key))) return false;
    return isOlder(pass, entry, 0);
  });
}
