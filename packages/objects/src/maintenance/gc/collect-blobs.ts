import { blobPrefix, decodeBase32, ID_LENGTH, markerName, purposeOf, SecureStoreError } from '@securestore/core-format';
import { deleteUnchanged, isForged } from '../../engine/sealed-objects.ts';
import { isOld } from '../../record/backend-age.ts';
import { readMarker } from '../../record/blob-markers.ts';
import { entriesUnder } from '../../util/listing.ts';
import type { CollectionPass, RemovalPlan } from './pass.ts';
import { unnamed } from '../../record/blob-liveness.ts';
import { reclaim } from '../../record/sweep-blobs.ts';
import { noteFailure } from './report.ts';
import type { TokenEntry } from './merge-listings.ts';

/** How many blobs of one object are looked for in its records at once: bounds memory, and readings of the history. */
const TOGETHER = 256;

/** The blob to which the name of a part or a marker belongs, in base32. */
function blobOf(rest: string): string {
  const [blob = ''] = rest.split('/', 1);
  if (decodeBase32(blob)?.length === ID_LENGTH) return blob;
  throw new SecureStoreError('INTEGRITY', 'the backend holds a payload part with an invalid name');
}

const markerOf = (token: string, blob: string): string => markerName(token, Buffer.from(decodeBase32(blob) ?? []));

/** The blobs of which every part is older than the grace period: a younger part is of an upload under way. */
async function* oldBlobs({ engine, now }: CollectionPass, parts: AsyncIterable<TokenEntry>): AsyncGenerator<string> {
  let blob: string | undefined;
  let old = true;
  for await (const { rest, entry } of parts) {
    const next = blobOf(rest);
    if (next !== blob) {
      if (blob !== undefined && old) yield blob;
      [blob, old] = [next, true];
    }
    old &&= isOld(engine, entry.modified, now);
  }
  if (blob !== undefined && old) yield blob;
}

/** Counts the parts of blobs that no process has claimed. */
async function planReclaim(
  { engine, now, report, signal }: CollectionPass,
  plan: RemovalPlan,
  token: string,
  blobs: Iterable<string>,
): Promise<void> {
  for (const blob of blobs) {
    const marker = await readMarker(engine, markerOf(token, blob), now, signal);
    if (marker?.state === 'claimed' && !isOld(engine, marker.modified, marker.now ?? now)) continue;
    plan.addBlob(blob);
    report.blobs += 1;
    for await (const { size } of entriesUnder(engine.backend, blobPrefix(token, blob), { signal })) {
      report.parts += 1;
      report.bytes += size;
    }
  }
}

async function reclaimUnnamed(pass: CollectionPass, token: string, blobs: Iterable<string>): Promise<void> {
  const { engine, now, plan, report, signal } = pass;
  const garbage = await unnamed(engine, token, blobs, signal, plan && ((name) => plan.hasVersion(name)));
  if (plan !== undefined) return planReclaim(pass, plan, token, garbage);
  await reclaim(engine, token, garbage, { now, freed: report, signal });
}

/** Removes the parts of an object that none of its records leads to. @param current what its current record names */
export async function collectBlobs(
  pass: CollectionPass,
  token: string,
  current: string | undefined,
  parts: AsyncIterable<TokenEntry>,
): Promise<void> {
  let group: string[] = [];
  for await (const blob of oldBlobs(pass, parts)) {
    if (blob === current) continue;
    group.push(blob);
    if (group.length < TOGETHER) continue;
    await reclaimUnnamed(pass, token, group);
    group = [];
  }
  if (group.length > 0) await reclaimUnnamed(pass, token, group);
}

/** Clears one marker away, if its time has come. */
async function collectMarker(pass: CollectionPass, token: string, blob: string): Promise<void> {
  const { engine, now, plan, report, signal } = pass;
  // Its marker goes with it.
  if (plan?.hasBlob(blob) === true) return;
  const name = markerOf(token, blob);
  const marker = await readMarker(engine, name, now, signal);
  if (marker === undefined) return;
  const old = isOld(engine, marker.modified, marker.now ?? now);
  if (marker.state === 'claimed' && !old) return;
  const { entries } = await engine.backend.list(blobPrefix(token, blob), { limit: 1, signal });
  if (entries.length > 0 && marker.state !== 'claimed') {
    if (plan !== undefined) return;
    // Of a collector that was stopped: resumes, or gives back what is in use.
    await reclaim(engine, token, [blob], { now, freed: report, signal });
    return;
  }
  // A claim of a blob in use can be renewed at any time.
  if (entries.length > 0 && !engine.backend.capabilities.conditionalDelete) return;
  if (plan === undefined) await deleteUnchanged(engine, name, marker.etag);
  report.systemObjects += 1;
}

/** Clears away lapsed claims, and what collectors that were stopped have left. */
export async function collectMarkers(
  pass: CollectionPass,
  token: string,
  markers: AsyncIterable<TokenEntry>,
): Promise<void> {
  for await (const { rest, entry } of markers) {
    // What is stored at a name that is none of a marker is removed with all that is like it.
    if (purposeOf(entry.key) === undefined) continue;
    try {
      await collectMarker(pass, token, rest);
    } catch (error) {
      if (!isForged(error)) throw error;
      noteFailure(pass.report, entry.key, error);
    }
  }
}
