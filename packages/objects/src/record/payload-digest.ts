import type { RecordHeader } from '@securestore/core-format';
import { ContentDigester, digestWhole } from '@securestore/crypto';
import type { DigestKeys } from '@securestore/crypto';
import { BlobReader } from './blob-reader.ts';
import { digestBlocksOf } from '../util/digest-blocks.ts';
import type { Engine } from '../engine/engine.ts';
import type { OpenBody } from './body.ts';
import { damagedRecord } from './open-record.ts';

/** A payload as a record has it. */
type HeldPayload = Pick<OpenBody, 'payload' | 'length'> & { readonly blob?: RecordHeader['blob'] | undefined };

/** The digest of a payload under the keys of another category than that which it was made for: one that is large is read again. */
export async function digestUnder(
  engine: Engine,
  token: string,
  keys: DigestKeys,
  { payload, length, blob }: HeldPayload,
  signal: AbortSignal | undefined,
): Promise<Buffer> {
  if (payload.kind === 'inline') return digestWhole(keys, payload.data);
  if (blob === undefined) return damagedRecord('its header and its body disagree about its payload');
  const reader = new BlobReader(engine, { token, reference: blob, payload, length });
  const digester = new ContentDigester(keys);
  for await (const block of digestBlocksOf(reader.read(0, length, signal))) await digester.add(block);
  return digester.finish();
}
