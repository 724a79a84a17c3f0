import type { RecordHeader } from '@securestore/core-format';
import { asBuffer, objectName } from '@securestore/core-format';
import { sealRecord } from '@securestore/crypto';
import { isUndecided } from '@securestore/jobs';
import type { Engine } from '../../engine/engine.ts';
import { encodeOpenBody } from '../../record/body.ts';
import { digestUnder } from '../../record/payload-digest.ts';
import type { Target } from '../../record/open-record.ts';
import { openLoose } from '../../record/open-record.ts';
import { tryAgain } from '../../util/try-again.ts';

const MAX_TRIES = 10;

/** A commit as the backend holds it. */
interface CommittedRecord {
  readonly header: RecordHeader;
  readonly record: Uint8Array;
}

function overtaken(): never {
  throw tryAgain('UNAVAILABLE', 'the category of the key was changed before the new version was stored');
}

/**
 * Seals a commit with the keys of the category that its name belongs to now. It was prepared before the categories were changed, and no
 * reader accepts it under its former one. Version, commit id and contents stay.
 *
 * @param own the bytes that were written: others may come from a member who has the keys of the former category alone
 * @throws SecureStoreError `UNAVAILABLE` if something else is there; what the backend throws
 */
export async function rebindCategory(
  engine: Engine,
  target: Target,
  own: Uint8Array | undefined,
  signal: AbortSignal | undefined,
): Promise<CommittedRecord> {
  const { backend, cache, names, random, monitor } = engine;
  const name = objectName(target.token);
  let sent: CommittedRecord | undefined;
  for (let tries = 0; tries < MAX_TRIES; tries++) {
    const found = await backend.read(name, { signal });
    if (found === undefined || own === undefined) overtaken();
    if (sent !== undefined && asBuffer(sent.record).equals(found.body)) return sent;
    if (!asBuffer(own).equals(found.body)) overtaken();
    const { state } = monitor;
    const opened = openLoose(state, found.body, names, target.token);
    // A name that had an object keeps its category, so a deletion needs no other one.
    if (opened.kind === 'tombstone') overtaken();
    const categoryId = state.categories.idOf(target.key);
    const { primary, digest: digestKeys } = state.keys.category(categoryId);
    const { generation } = state.head;
    const header = { ...opened.header, suite: primary.suite, categoryId, generation };
    const digest = await digestUnder(engine, target.token, digestKeys, { ...opened.body, blob: header.blob }, signal);
    const body = encodeOpenBody({ ...opened.body, digest });
    try {
      sent = { header, record: sealRecord(primary, header, body, random) };
      await backend.write(name, sent.record, { ifMatch: found.etag ?? '', signal });
      return sent;
    } catch (error) {
      if (!isUndecided(error)) throw error;
    } finally {
      body.fill(0);
      cache.delete(target.token);
    }
  }
  return overtaken();
}
