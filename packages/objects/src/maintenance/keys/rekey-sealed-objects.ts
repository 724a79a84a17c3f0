import { AREAS, SecureStoreError, workPrefix } from '@securestore/core-format';
import type { Engine } from '../../engine/engine.ts';
import { pagesUnder } from '../../util/listing.ts';
import type { RekeyCounts } from './rewrap.ts';
import { note } from './rewrap.ts';
import { lookAtSystemObject, sealJournalBody } from '../../engine/sealed-objects.ts';

/** What is sealed under the journal key and kept: hints are read and removed, and jobs rewrite their own state. */
const KEPT = [
  { prefix: workPrefix('writer'), purpose: 'writer' },
  { prefix: workPrefix('consumer'), purpose: 'consumer' },
  { prefix: workPrefix('collected'), purpose: 'job' },
  { prefix: workPrefix('backup'), purpose: 'job' },
  { prefix: AREAS.markers, purpose: 'marker' },
] as const;

type Kept = (typeof KEPT)[number]['purpose'];

async function rekeyOne(engine: Engine, purpose: Kept, name: string, signal: AbortSignal | undefined): Promise<void> {
  const found = await lookAtSystemObject(engine, purpose, name, signal);
  // What does not open lies under no key; counting key usage names it.
  if (found === undefined || 'error' in found) return;
  if (engine.monitor.state.keys.journal.primary.id.equals(found.keyId)) return;
  const body = await sealJournalBody(engine, purpose, name, found.plaintext);
  try {
    await engine.backend.write(name, body, { ifMatch: found.etag, signal });
  } catch (error) {
    // Whoever wrote it meanwhile did so under the new key.
    if (!SecureStoreError.is(error, 'CONFLICT')) throw error;
  }
}

/** Seals registrations, consumers, markers and the time of the last collection anew if they lie under an older journal key. */
export async function rekeySealedObjects(engine: Engine, counts: RekeyCounts, signal?: AbortSignal): Promise<void> {
  for (const { prefix, purpose } of KEPT) {
    for await (const names of pagesUnder(engine.backend, prefix, signal)) {
      for (const name of names) {
        try {
          await rekeyOne(engine, purpose, name, signal);
        } catch (error) {
          note(counts, name, error);
        }
      }
    }
  }
}
