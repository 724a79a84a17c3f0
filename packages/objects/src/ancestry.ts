import { createHash } from 'node:crypto';
import type { Head } from '@securestore/core-format';
import { encodeHead, MAX_ANCESTORS } from '@securestore/core-format';

/** What later heads call a head by. */
export function headDigest(head: Head): Buffer {
  return createHash('sha256').update(encodeHead(head)).digest();
}

/** The ancestors of the head that comes after `head`. */
export function ancestorsAfter(head: Head): Uint8Array[] {
  return [headDigest(head), ...head.ancestors].slice(0, MAX_ANCESTORS);
}

/**
 * Whether `later` is the head of `generation` with `digest`, or follows from it: two that don't mean that somebody shows
 * different people different stores. Beyond {@link MAX_ANCESTORS} generations it can't be told, and is believed.
 */
export function followsFrom(later: Head, generation: number, digest: Uint8Array): boolean {
  const distance = later.generation - generation;
  if (distance > MAX_ANCESTORS) return true;
  if (distance < 0) return false;
  const told = distance === 0 ? headDigest(later) : later.ancestors[distance - 1];
  return told !== undefined && Buffer.compare(told, digest) === 0;
}
