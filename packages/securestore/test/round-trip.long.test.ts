import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, onTestFinished, test } from 'vitest';
import { memoryPlace, roundTrip } from './support/round-trip.ts';
import { TORTURE } from '../../../tools/campaigns/src/size.ts';

type Place = (name: string) => string;

function places(): Readonly<Record<'memory' | 'file' | 'sqlite', Place>> {
  const folder = mkdtempSync(join(tmpdir(), 'securestore-round-trip-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return {
    memory: memoryPlace,
    file: (name) => `file:${join(folder, name)}`,
    sqlite: (name) => `sqlite:${join(folder, `${name}.db`)}`,
  };
}

const KINDS = ['memory', 'file', 'sqlite'] as const;
type Kind = (typeof KINDS)[number];

/** Each once a source, a destination and a target; in a torture run all of them with all. */
const RING: readonly (readonly [from: Kind, through: Kind, to: Kind])[] = TORTURE
  ? KINDS.flatMap((from) => KINDS.flatMap((through) => KINDS.map((to) => [from, through, to] as const)))
  : [
      ['memory', 'file', 'sqlite'],
      ['file', 'sqlite', 'memory'],
      ['sqlite', 'memory', 'file'],
    ];

describe('a store is backed up and restored', () => {
  test.each(RING)('from %s through %s to %s', async (from, through, to) => {
    const at = places();
    await roundTrip({ from: at[from]('store'), through: at[through]('backup'), to: at[to]('again') });
  });
});
