import { afterAll, afterEach, beforeEach, expect, vi } from 'vitest';
import { cleanUp } from './packages/objects/test/support/at-end.ts';
import { EagerClock } from './packages/objects/test/support/eager-clock.ts';
import { namedData } from './packages/backend-memory/src/memory-data.ts';
import { usePropertySeed } from './tools/campaigns/src/property-seed.ts';
import { useTemporaryFolder } from './tools/checks/src/temporary-files.ts';

useTemporaryFolder(expect.getState().testPath ?? '');
await usePropertySeed(process.env['SECURESTORE_SEED']);

// Vitest asks for a hundred frames of each error, also of the many that tests expect.
Error.stackTraceLimit = 20;

// Vitest asks for each byte by its name, which takes seconds if payloads are compared. Files share a process: once is enough.
const ADDED = Symbol.for('securestore.equality');
if (!(ADDED in globalThis)) {
  Object.assign(globalThis, { [ADDED]: true });
  expect.addEqualityTesters([
    (one: unknown, other: unknown): boolean | undefined =>
      one instanceof Uint8Array && other instanceof Uint8Array && one.constructor === other.constructor
        ? Buffer.compare(one, other) === 0
        : undefined,
  ]);
}

// What a test leaves behind, such as stores of processes that were "killed", would go on beside the next one.
beforeEach(({ task }) => void (task.concurrent !== true && EagerClock.beginTest()));
afterEach(({ task }) => void (task.concurrent !== true && EagerClock.endTest()));

// Hooked here for each file: a module that all files of the process share is evaluated for the first of them only.
afterEach(async ({ task }) => {
  // Tests that run at the same time still use the things that others have registered.
  if (task.concurrent !== true) await cleanUp();
});

// The next file in this process finds what this one has found.
const { execArgv } = process;
afterAll(async () => {
  process.execArgv = execArgv;
  vi.useRealTimers();
  await cleanUp();
  vi.unstubAllEnvs();
  vi.unstubAllGlobals();
  vi.restoreAllMocks();
  namedData.clear();
  EagerClock.stopAll();
});
