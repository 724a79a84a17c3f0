import { confirmStill } from '../record/stable-read.ts';
import type { Engine } from '../engine/engine.ts';
import { blobReader, findObject, GoneMeanwhile } from './find-version.ts';
import type { Target } from '../record/open-record.ts';
import { infoOf } from '../record/open-record.ts';
import { retrievedOf, streamRange } from './payload-result.ts';
import type { RangeOptions, Retrieved, RetrievedStream, RetrieveOptions } from '../api/types.ts';

const MAX_TRIES = 10;

async function retrieveOnce<M extends object>(
  engine: Engine,
  target: Target,
  options: RetrieveOptions | undefined,
  signal: AbortSignal | undefined,
): Promise<Retrieved<M>> {
  const found = await findObject(engine, target, options, signal);
  const reader = blobReader(engine, target, found);
  const retrieved = await retrievedOf<M>(found, reader, signal);
  if (reader === undefined) return retrieved;
  // Reading the parts may have taken long.
  await confirmStill(engine, found.opened.header.categoryId, signal);
  return retrieved;
}

/** An object as a whole. @throws SecureStoreError as {@link findObject}, and where its payload is damaged */
export async function retrieveObject<M extends object>(
  engine: Engine,
  target: Target,
  options: RetrieveOptions | undefined,
  signal: AbortSignal | undefined,
): Promise<Retrieved<M>> {
  const wantsCurrent = options?.version === undefined && options?.at === undefined;
  for (let tries = 1; ; tries++) {
    try {
      return await retrieveOnce<M>(engine, target, options, signal);
    } catch (error) {
      // What was current when the call began may have been replaced, and collected: then there is something newer.
      if (!(error instanceof GoneMeanwhile) || !wantsCurrent || tries === MAX_TRIES) throw error;
    }
  }
}

/**
 * An object as a stream.
 *
 * @param key as the caller gave it, for what is wrong while the stream is read
 * @throws SecureStoreError as {@link findObject}
 */
export async function streamObject<M extends object>(
  engine: Engine,
  target: Target,
  key: string,
  options: RangeOptions | undefined,
  signal: AbortSignal | undefined,
): Promise<RetrievedStream<M>> {
  const found = await findObject(engine, target, options, signal);
  const info = infoOf<M>(found.state, found.opened);
  const reader = blobReader(engine, target, found);
  const stream = streamRange(found, reader, options, signal, key, engine.clock);
  return { stream, metadata: info.metadata, info };
}
