import { deriveBytes } from '../primitives/derive.ts';
import type { SystemKey } from './system-seal.ts';

/**
 * The name of a page of a checkpoint: a keyed digest of what it says, so that equal pages have one name and nobody
 * without the key can tell from a name what is in a page. Other under each version of the journal key.
 */
export function checkpointPageId({ secret }: Pick<SystemKey, 'secret'>, plaintext: Uint8Array): Buffer {
  return deriveBytes(secret, 'checkpoint page', plaintext);
}
