import { ContentDigester } from '@securestore/crypto';
import { digestBlocksOf } from '../util/digest-blocks.ts';
import { confirmStill } from '../record/stable-read.ts';
import type { Engine } from '../engine/engine.ts';
import { blocksOfData } from '../api/payload-source.ts';
import { findObject } from './find-version.ts';
import type { Target } from '../record/open-record.ts';
import type { StoreData } from '../api/types.ts';

/** Whether the current object holds exactly `data`, by its keyed digest. */
export async function matchesObject(
  engine: Engine,
  target: Target,
  data: StoreData,
  signal: AbortSignal | undefined,
): Promise<boolean> {
  const { state, opened } = await findObject(engine, target, undefined, signal);
  const digester = new ContentDigester(state.keys.category(opened.header.categoryId).digest);
  let length = 0;
  for await (const block of digestBlocksOf(blocksOfData(data, signal))) {
    length += block.length;
    if (length > opened.body.length) return false;
    await digester.add(block);
  }
  const digest = await digester.finish();
  // Reading the data to compare may have taken long.
  await confirmStill(engine, opened.header.categoryId, signal);
  return length === opened.body.length && digest.equals(opened.body.digest);
}
