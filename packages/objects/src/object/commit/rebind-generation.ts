import type { RecordHeader } from '@securestore/core-format';
import { objectName, SecureStoreError } from '@securestore/core-format';
import { sealRecord } from '@securestore/crypto';
import type { Engine } from '../../engine/engine.ts';
import { withNewestKeys } from '../../record/stable-read.ts';
import { encodeOpenBody } from '../../record/body.ts';
import type { LiveRecord, Target } from '../../record/open-record.ts';
import { openAt } from '../../record/open-record.ts';
import { isUndecided } from '../../util/indeterminate.ts';

const MAX_TRIES = 10;

/** The same version under the newest generation: with another data key, since H is bound to it. */
function underNewestHead({ watcher, random }: Engine, { header, body }: LiveRecord): Buffer {
  const { head, keys } = watcher.state;
  const { primary } = keys.category(header.categoryId);
  const plaintext = encodeOpenBody(body);
  try {
    return sealRecord(primary, { ...header, suite: primary.suite, generation: head.generation }, plaintext, random);
  } finally {
    plaintext.fill(0);
  }
}

/**
 * Brings a commit that may have landed after a checkpoint had begun, prepared under a head from before it, under the
 * newest head: otherwise it could not be told from an object that was brought back from before that checkpoint. Version,
 * commit and contents stay. Where the object has been changed since, there is nothing to do.
 *
 * @throws SecureStoreError `UNAVAILABLE`, and what the backend throws
 */
export async function recommit(
  engine: Engine,
  target: Target,
  { commitId }: RecordHeader,
  signal: AbortSignal | undefined,
): Promise<void> {
  const { backend, cache, watcher } = engine;
  const name = objectName(target.token);
  for (let tries = 0; tries < MAX_TRIES; tries++) {
    const found = await backend.read(name, { signal });
    if (found === undefined) return;
    const opened = await withNewestKeys(engine, found.body, (state) => openAt(state, target, found.body), signal);
    const isOwn = Buffer.compare(opened.header.commitId, commitId) === 0;
    if (!isOwn || opened.kind === 'tombstone' || opened.header.generation === watcher.state.head.generation) return;
    try {
      await backend.write(name, underNewestHead(engine, opened), { ifMatch: found.etag ?? '', signal });
      return;
    } catch (error) {
      if (!isUndecided(error)) throw error;
    } finally {
      cache.delete(target.token);
    }
  }
  throw new SecureStoreError('UNAVAILABLE', 'the new record could not be brought under the newest head; try again');
}
