import { AREAS, asBuffer, ByteReader, ByteWriter, ID_LENGTH, workName, workPrefix } from '@securestore/core-format';
import { digestWhole } from '@securestore/crypto';
import type { JobStorage } from '@securestore/jobs';
import type { Engine } from './engine.ts';
import { withWriteFence } from './write-fence.ts';
import { pagesUnder } from '../util/listing.ts';
import { storedState } from './stored-state.ts';
import { deleteUnchanged, lookAtSystemObject, writeSystemObject } from './sealed-objects.ts';

/** The id is in the body too, since the backend isn't to learn from the name what is being done. */
function encodeJob(id: string, state: Uint8Array): Buffer {
  const name = Buffer.from(id, 'latin1');
  return new ByteWriter(1 + name.length + state.length).u8(name.length).bytes(name).bytes(state).finish();
}

function decodeJob(plaintext: Uint8Array): { id: string; state: Buffer } {
  const reader = new ByteReader('the state of a job', plaintext);
  const id = reader.view(reader.u8()).toString('latin1');
  return { id, state: reader.view(reader.remaining) };
}

/** The backend's name of the state of a job. */
function jobName({ monitor }: Engine, id: string): string {
  const { digest } = monitor.state.keys.journal;
  return workName('job', digestWhole(digest, Buffer.from(`${AREAS.work}job/${id}`)).subarray(0, ID_LENGTH));
}

/**
 * Keeps the state of jobs in the store, sealed, under names that tell nothing. While the store is restored no job is begun, and those
 * that are under way go on.
 *
 * @param unguarded the engine on which writing asks nothing
 * @param known ids that jobs of a store have: a damaged state can be told only by one of these
 */
export function jobStorage(unguarded: Engine, known: readonly string[] = []): JobStorage {
  const [beginning, engine] = [withWriteFence(unguarded), withWriteFence(unguarded, true)];
  const nameOf = (id: string): string => jobName(engine, id);
  /** The id of the job at a name. What is damaged under a name that no job of this release has stands in nobody's way. */
  const idAt = async (name: string): Promise<string | undefined> => {
    const found = await lookAtSystemObject(engine, 'job', name);
    if (found === undefined) return undefined;
    if ('plaintext' in found) return decodeJob(found.plaintext).id;
    return known.find((id) => nameOf(id) === name);
  };
  return {
    async read(id) {
      const found = await lookAtSystemObject(engine, 'job', nameOf(id));
      return found && storedState(found, (plaintext) => decodeJob(plaintext).state);
    },
    async write(id, state, condition) {
      const by = 'ifAbsent' in condition ? beginning : engine;
      return writeSystemObject(by, 'job', nameOf(id), encodeJob(id, asBuffer(state)), condition);
    },
    async remove(id, etag) {
      await deleteUnchanged(engine, nameOf(id), etag);
    },
    async *list() {
      for await (const names of pagesUnder(engine.backend, workPrefix('job'))) {
        for (const name of names) {
          const id = await idAt(name);
          if (id !== undefined) yield id;
        }
      }
    },
  };
}
