import type { RecordHeader } from '@securestore/core-format';
import { objectName } from '@securestore/core-format';
import { sealRecord } from '@securestore/crypto';
import { isUndecided } from '@securestore/jobs';
import type { Engine } from '../../engine/engine.ts';
import { withRefreshedKeys } from '../../record/stable-read.ts';
import { encodeOpenBody } from '../../record/body.ts';
import type { LiveRecord, Target } from '../../record/open-record.ts';
import { openAt } from '../../record/open-record.ts';
import { tryAgain } from '../../util/try-again.ts';

const MAX_TRIES = 10;

/** The same version under the newest generation. It gets another data key, since the header is bound to that key. */
function underNewestHead({ monitor, random }: Engine, { header, body }: LiveRecord): Buffer {
  const { head, keys } = monitor.state;
  const { primary } = keys.category(header.categoryId);
  const plaintext = encodeOpenBody(body);
  try {
    return sealRecord(primary, { ...header, suite: primary.suite, generation: head.generation }, plaintext, random);
  } finally {
    plaintext.fill(0);
  }
}

/**
 * Seals a commit under the newest head if it may have landed after a checkpoint began, though it was prepared before. Otherwise nothing
 * would tell it from an older object that was put back. Version, commit id and contents stay. An object that has been changed since is
 * left as it is.
 *
 * @throws SecureStoreError `UNAVAILABLE`; errors of the backend
 */
export async function rebindGeneration(
  engine: Engine,
  target: Target,
  { commitId }: RecordHeader,
  signal: AbortSignal | undefined,
): Promise<void> {
  const { backend, cache, monitor } = engine;
  const name = objectName(target.token);
  for (let tries = 0; tries < MAX_TRIES; tries++) {
    const found = await backend.read(name, { signal });
    if (found === undefined) return;
    const opened = await withRefreshedKeys(engine, found.body, (state) => openAt(state, target, found.body), signal);
    const isOwn = Buffer.compare(opened.header.commitId, commitId) === 0;
    if (!isOwn || opened.kind === 'tombstone' || opened.header.generation === monitor.state.head.generation) return;
    try {
      await backend.write(name, underNewestHead(engine, opened), { ifMatch: found.etag ?? '', signal });
      return;
    } catch (error) {
      if (!isUndecided(error)) throw error;
    } finally {
      cache.delete(target.token);
    }
  }
  throw tryAgain('UNAVAILABLE', `cannot bind the new version to the newest head: ${MAX_TRIES} tries failed`);
}
