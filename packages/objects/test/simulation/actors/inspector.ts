import type { StorageBackend } from '@securestore/backend-api';
import {
  AREAS,
  blobGeometry,
  historyPrefix,
  historyVersion,
  partName,
  splitRecord,
  splitUnderToken,
} from '@securestore/core-format';
import { openLoose } from '../../../src/record/open-record.ts';
import { entriesUnder } from '../../../src/util/listing.ts';
import type { Remains, World } from '../world.ts';
import { openPatiently } from './client.ts';

async function namesUnder(backend: StorageBackend, prefix: string): Promise<string[]> {
  const names: string[] = [];
  for await (const { key } of entriesUnder(backend, prefix, {})) names.push(key);
  return names;
}

/** Looks at the backend itself when nothing happens any more. @returns what it holds too little and too much of */
export async function inspect(world: World, collected: boolean): Promise<Remains> {
  const opened = await openPatiently(world, world.startProcess('inspector', { skew: 0, drift: 0 }));
  if (opened === undefined) return { missing: [], unreachable: [], markers: [] };
  const { monitor, names } = opened.engine;
  const { backend } = world;
  const reachable = new Set<string>();
  const needed = new Set<string>();
  // Without batches a copy may land in the history after the purge of its version, and of its payload.
  const { batches, habits } = world.plan;
  const isSure = (name: string): boolean => batches || habits.purges === 0 || name.startsWith(AREAS.objects);
  // A copy of the current version may be left from before that was sealed anew. Nobody reads it.
  const current = new Map<string, number>();
  const isCopy = (name: string, token: string): boolean =>
    historyVersion(historyPrefix(token), name) === (current.get(token) ?? 0);
  let readable = true;
  for (const name of [...(await namesUnder(backend, AREAS.objects)), ...(await namesUnder(backend, AREAS.history))]) {
    const token = splitUnderToken(AREAS.history, name)?.token ?? name.slice(AREAS.objects.length);
    const found = await backend.read(name);
    if (found === undefined) continue;
    if (name.startsWith(AREAS.objects)) current.set(token, splitRecord(found.body).header.version);
    try {
      const record = openLoose(monitor.state, found.body, names, token);
      if (record.kind === 'tombstone' || record.header.blob === undefined || record.body.payload.kind === 'inline')
        continue;
      const { blobId, partSize } = record.header.blob;
      const { parts } = blobGeometry(record.body.length, record.body.payload.chunkSize, partSize);
      for (let part = 0; part < parts; part++) {
        const partAt = partName(token, blobId, part);
        reachable.add(partAt);
        if (isSure(name) && !isCopy(name, token)) needed.add(partAt);
      }
    } catch {
      // Nobody can open it; the observer finds what that is.
      readable = false;
    }
  }
  const present = new Set(await namesUnder(backend, AREAS.blobs));
  const missing = [...needed].filter((name) => !present.has(name));
  if (!collected || !readable) return { missing, unreachable: [], markers: [] };
  const unreachable = [...present].filter((name) => !reachable.has(name));
  return { missing, unreachable, markers: await namesUnder(backend, AREAS.markers) };
}
