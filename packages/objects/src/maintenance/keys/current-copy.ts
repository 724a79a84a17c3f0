import {
  AREAS,
  historyPrefix,
  historyVersion,
  objectName,
  splitRecord,
  splitUnderToken,
} from '@securestore/core-format';
import type { Engine } from '../../engine/engine.ts';
import { archivedRecord } from '../../object/commit/archive-version.ts';
import { withRefreshedKeys } from '../../record/stable-read.ts';
import { openLoose } from '../../record/open-record.ts';

/**
 * What belongs at a name of the history that holds the version that is still current: a copy of the current record. A
 * process that a rotation left behind may have put another one there, under a key version that has been retired since or
 * with a payload that has been sealed anew.
 *
 * @returns `undefined` for anything else
 * @throws SecureStoreError `INTEGRITY` if the current record can't be opened itself, and what the backend throws
 */
export async function copyOfCurrent(
  engine: Engine,
  name: string,
  copy: Uint8Array,
  signal: AbortSignal | undefined,
): Promise<Uint8Array | undefined> {
  const place = splitUnderToken(AREAS.history, name);
  if (place === undefined) return undefined;
  const { token } = place;
  const found = await engine.backend.read(objectName(token), { signal });
  if (found === undefined) return undefined;
  const { version, commitId } = splitRecord(found.body).header;
  const isSame = Buffer.compare(commitId, splitRecord(copy).header.commitId) === 0;
  if (!isSame || historyVersion(historyPrefix(token), name) !== version) return undefined;
  return withRefreshedKeys(
    engine,
    found.body,
    (state) => {
      const opened = openLoose(state, found.body, engine.names, token);
      return archivedRecord(state, { stored: { bytes: found.body, etag: found.etag ?? '' }, opened });
    },
    signal,
  );
}
