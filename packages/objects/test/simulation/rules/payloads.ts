import type { Recorded } from '../world.ts';

/** Every part that a record leads to is there, and after a last collection nothing that no record leads to. */
export function payloads({ remains }: Recorded): string[] {
  const { missing, unreachable, markers } = remains;
  return [
    ...missing.map((name) => `${name} is missing, though a record leads to it`),
    ...unreachable.map((name) => `${name} is left, though no record leads to it`),
    ...markers.map((name) => `the marker ${name} is left`),
  ];
}
