import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { LONG } from '../../../tools/campaigns/src/size.ts';
import { NO_TRACER } from '../../../tools/campaigns/src/trace/tracer.ts';
import { scratchFolder } from './support/stores.ts';
import { Trace, trace } from './support/traced.ts';

const PROGRAM = fileURLToPath(new URL('./support/write-process.ts', import.meta.url));

const FS = ['@securestore/backend-fs', 'file', '/o/+a/ac+'] as const;
const SQLITE = ['@securestore/backend-sqlite', 'sqlite', ''] as const;

/** In the middle of the folders to the store, and of the folders of keys. */
const SHORT = [
  [...FS, 'fsync', 1],
  [...FS, 'fsync', 5],
  [...SQLITE, 'fsync', 1],
] as const;
/** Each call that a writer makes until its key is there; no writer reaches a later one. */
const ALL = (
  [
    [FS, 'fsync', 8],
    [FS, 'mkdir', 8],
    [SQLITE, 'fsync', 9],
    [SQLITE, 'mkdir', 1],
  ] as const
).flatMap(([backend, call, count]) => Array.from({ length: count }, (_, at) => [...backend, call, at + 1] as const));

test.for(LONG ? ALL : SHORT)(
  '%s: what is acknowledged in folders of a writer that was killed outlasts a cut of power: %s %s %s %i',
  ([packageName, scheme, file, call, when], { skip }) => {
    if (NO_TRACER !== undefined) skip(NO_TRACER);
    const root = `${scratchFolder()}/above/vault`;
    const write = (key: string, inject?: string): string =>
      trace(PROGRAM, [packageName, `${scheme}:${root}`, key], inject === undefined ? {} : { inject });
    const killed = write('o/ab', `${call}:signal=SIGKILL:when=${when}`);
    expect(new Trace(killed + write('o/ac')).durableAt(root + file)).toBeGreaterThan(0);
  },
);

test("the own files of a new store are on the disk before its first folder of keys, which alone would look like anybody's", ({
  skip,
}) => {
  if (NO_TRACER !== undefined) skip(NO_TRACER);
  const root = `${scratchFolder()}/vault`;
  const traced = new Trace(trace(PROGRAM, ['@securestore/backend-fs', `file:${root}`, 'o/ab']));
  const [folder] = traced.madeAt(`${root}/o`);
  expect(traced.nameDurableAt(`${root}/+lock`)).toBeLessThan(folder ?? 0);
});
