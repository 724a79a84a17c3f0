import type { RotationDepth } from './rotate.ts';

/** The id of the job that rotates to a depth: one of each at a time. */
export function rotationId(depth: RotationDepth): string {
  return `rotation-${depth}`;
}
