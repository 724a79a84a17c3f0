import { hash } from 'node:crypto';

/** A body that proves by itself whether it is whole: its digest, then a text repeated to `size` bytes. */
export function selfProving(text: string, size: number): Uint8Array {
  const content = Buffer.alloc(size, text);
  return Buffer.concat([hash('sha256', content, 'buffer'), content]);
}

/** Whether `body` is one of {@link selfProving}, untouched. */
export function isWhole(body: Uint8Array): boolean {
  return hash('sha256', body.subarray(32), 'buffer').equals(body.subarray(0, 32));
}
