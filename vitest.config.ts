import { randomInt } from 'node:crypto';
import { availableParallelism } from 'node:os';
import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';
import type { TestSpecification } from 'vitest/node';
import { BaseSequencer } from 'vitest/node';
import { LONG, sized } from './tools/campaigns/src/size.ts';
import { recycledForks } from './tools/checks/src/recycled-forks.ts';

// One for the whole run, so that all backends are given the same random operations, and are compared through them.
process.env['SECURESTORE_TESTKIT_SEED'] ||= String(randomInt(2 ** 32));

// Many tests start processes from the sources: two thirds of what a short one costs is reading and compiling them anew.
process.env['NODE_COMPILE_CACHE'] ||= fileURLToPath(new URL('node_modules/.cache/compiled', import.meta.url));

/** Files that take longest, mostly because they wait. */
const LONGEST = [
  'securestore/test/migrat',
  'securestore/test/moments',
  'securestore/test/processes/moving',
  'securestore/test/crash-images/move',
  'server/test/workers/',
  'docs-check/test/shell-pages',
  'reference-reader/test/vectors',
  'maintenance/gc/collection-faults',
  'restore/restore-faults',
  'cli/test/migrate',
  'cli/test/restore.test',
  'cli/test/rotate',
  'server/test/crash',
  'objects/test/simulation',
  'migrate/test/simulation',
  'acl/test/simulation',
  'cli/test/',
  'console/test/',
  'conformance.test',
  'backend-mongodb/test/crash',
  'backup/test/api/',
];
/**
 * How many other files begin after the n-th of them, so that the processors are busy while those wait. The first ones wait
 * longest, and must not have all workers at once.
 */
function othersAfter(at: number): number {
  return LONG ? 2 : at < 16 ? 8 : 3;
}

function placeOf({ moduleId }: TestSpecification): number {
  const at = LONGEST.findIndex((name) => moduleId.includes(name));
  return at === -1 ? LONGEST.length : at;
}

/** Has the longest files begin early enough that none is left at the end alone. */
class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const sorted = await super.sort(files); // oxlint-disable-line unicorn/no-array-sort -- a method of the sequencer
    const byPlace = sorted.toSorted((one, other) => placeOf(one) - placeOf(other));
    const others = byPlace.filter((file) => placeOf(file) === LONGEST.length);
    const longest = byPlace.slice(0, byPlace.length - others.length);
    const mixed = longest.flatMap((file, at) => [file, ...others.splice(0, othersAfter(at))]);
    return [...mixed, ...others];
  }
}

export default defineConfig({
  test: {
    include: ['packages/*/test/**/*.test.ts', 'tools/*/test/**/*.test.ts'],
    globalSetup: [
      'tools/bootstrap/bundle-for-tests.mjs',
      // Before the servers, which have temporary files, too.
      'tools/checks/src/temporary-files.ts',
      'tools/services/src/vitest/servers.ts',
    ],
    // For what hangs: a minute's work takes a busy machine several. `npm run torture` runs campaigns that take minutes each.
    testTimeout: sized({ short: 120_000, full: 300_000, torture: 3_600_000 }),
    // A machine that is busy with other files takes longer than the second that is the default.
    expect: { poll: { timeout: 30_000, interval: 50 } },
    // Removing the tens of thousands of files of a campaign takes its time, too.
    hookTimeout: 120_000,
    pool: recycledForks,
    isolate: false,
    // Node loads the modules, as it does for users, and compiles them once for all processes; Vite takes three times as long.
    experimental: { viteModuleRunner: false },
    execArgv: [
      '--conditions=@securestore/source',
      // Tests forget most of what they make within a moment, so a large young generation saves the collector much work. It
      // has one thread, since the processors are busy with other files.
      '--max-semi-space-size=64',
      '--single-threaded-gc',
    ],
    setupFiles: fileURLToPath(new URL('vitest.setup.ts', import.meta.url)),
    sequence: { sequencer: LongestFirst },
    // Much of their time they wait for a server, a process or a clock.
    maxWorkers: availableParallelism() + 6,
  },
});
