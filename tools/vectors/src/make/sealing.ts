import { suiteOf } from '../../../../packages/crypto/src/index.ts';
import { derive, hmac256, label, u16 } from './bytes.ts';

// What is sealed here is raw bytes, since much of it is no valid structure: so this is the sealing of the specification once
// more, over the primitives of the suites.

const TAG = 16;

function sealOnce(suite: number, key: Uint8Array, plaintext: Uint8Array): Buffer {
  const out = Buffer.alloc(plaintext.length + TAG);
  suiteOf(suite).sealOnce(key, plaintext, out, 0);
  return out;
}

/** `expand`, cut into the key and the commitment. */
function expand(suite: number, key: Uint8Array, use: string, header: Uint8Array): { own: Buffer; commitment: Buffer } {
  const input = Buffer.concat([label(use), u16(header.length), header, Buffer.from([1])]);
  const expanded = suiteOf(suite).expand(key, input);
  return { own: expanded.subarray(0, 32), commitment: expanded.subarray(32) };
}

/** A key version as eight bytes of id and 32 of key. */
export interface Sealing {
  readonly suite: number;
  readonly version: Buffer;
  readonly dek: Buffer;
  /** What a fault makes of the commitment, before the data key is wrapped. */
  readonly commit: (commitment: Buffer) => Buffer;
}

/** `H ‖ E ‖ B`. */
export function sealRecord(header: Buffer, body: Buffer, { suite, version, dek, commit }: Sealing): Buffer {
  const { own, commitment } = expand(suite, dek, 'record', header);
  const committed = commit(commitment);
  const wrapKey = hmac256(version.subarray(8), label('wrap'), u16(header.length), header, committed);
  const envelope = [version.subarray(0, 8), committed, sealOnce(suite, wrapKey, dek)];
  return Buffer.concat([header, ...envelope, sealOnce(suite, own, body)]);
}

/** Header, commitment and chunks of a blob, in one piece. */
export function sealBlob(suite: number, header: Buffer, key: Buffer, chunks: readonly Buffer[]): Buffer {
  const { own, commitment } = expand(suite, key, 'blob', header);
  const cipher = suiteOf(suite).chunkCipher(own);
  const sealed = chunks.map((chunk, index) => {
    const out = Buffer.alloc(chunk.length + TAG);
    cipher.seal(index, chunk, out, 0);
    return out;
  });
  return Buffer.concat([header, commitment, ...sealed]);
}

/** One of the store's own objects. */
export function sealSystem(
  suite: number,
  purposeKey: Uint8Array,
  header: Buffer,
  context: Buffer,
  plain: Buffer,
): Buffer {
  const key = derive(purposeKey, 'system key', header, context);
  const { own, commitment } = expand(suite, key, 'system', header);
  return Buffer.concat([header, commitment, sealOnce(suite, own, plain)]);
}
