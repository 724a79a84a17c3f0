import { randomInt } from 'node:crypto';
import { availableParallelism } from 'node:os';
import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';
import type { TestSpecification } from 'vitest/node';
import { BaseSequencer } from 'vitest/node';
import { LONG, SIZE } from './tools/campaigns/src/size.ts';
import { recycledForks } from './tools/checks/src/recycled-forks.ts';

// `import` is none of them: they hold for `require` in the dependencies too.
const conditions = ['@securestore/source', 'node'];

// One for the whole run, so that all backends are given the same random operations, and are compared through them.
process.env['SECURESTORE_TESTKIT_SEED'] ||= String(randomInt(2 ** 32));

// Many tests start processes from the sources: two thirds of what a short one costs is reading and compiling them anew.
process.env['NODE_COMPILE_CACHE'] ||= fileURLToPath(new URL('node_modules/.cache/compiled', import.meta.url));

/** The project of the tests that need no server. */
const LOCAL = 'local';

/** Servers that are started for the tests of the backend of the same name. */
const servers = ['redis', 'postgres', 'mongodb', 'azure', 'gcs', 's3'];
/** Pages, which are tried in a browser. */
const PAGES = 'packages/console/test/**/*.test.ts';
/** What starts and ends servers, tried on one. */
const KEEPER_TEST = 'tools/services/test/keeper.test.ts';
const testsOn = (server: string): string => `packages/backend-${server}/test/**/*.test.ts`;

/** Files that take longest. They begin first, so that none is left at the end alone. */
const LONGEST = [
  'securestore/test/migrate-ring',
  'objects/test/simulation',
  'securestore/test/processes/moving',
  'migrate/test/simulation',
  'backend-mongodb/test/crash',
  'backup/test/faults',
  'acl/test/simulation',
];

function placeOf({ moduleId }: TestSpecification): number {
  const at = LONGEST.findIndex((name) => moduleId.includes(name));
  return at === -1 ? LONGEST.length : at;
}

/** A process goes on with the next file only if that is of the same project. So the files of a project come together. */
class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const sorted = await super.sort(files); // oxlint-disable-line unicorn/no-array-sort -- a method of the sequencer
    const projects = [...new Set(sorted.map(({ project }) => project.name))];
    const byProject = projects.filter((name) => name !== LOCAL).concat(LOCAL);
    const orderOf = (file: TestSpecification): number => byProject.indexOf(file.project.name);
    return sorted.toSorted((one, other) => placeOf(one) - placeOf(other) || orderOf(one) - orderOf(other));
  }
}

export default defineConfig({
  resolve: { conditions },
  ssr: { resolve: { conditions } },
  test: {
    projects: [
      {
        extends: true,
        test: {
          name: LOCAL,
          globalSetup: 'tools/bootstrap/bundle-for-tests.mjs',
          include: ['packages/*/test/**/*.test.ts', 'tools/*/test/**/*.test.ts'],
          exclude: ['**/node_modules/**', KEEPER_TEST, PAGES, ...servers.map(testsOn)],
        },
      },
      {
        extends: true,
        test: {
          name: 'pages',
          globalSetup: ['tools/bootstrap/bundle-for-tests.mjs', 'tools/services/src/vitest/chromium.ts'],
          include: [PAGES],
        },
      },
      ...servers.map((server) => ({
        extends: true as const,
        test: {
          name: server,
          include: server === 'redis' ? [testsOn(server), KEEPER_TEST] : [testsOn(server)],
          globalSetup: `tools/services/src/vitest/${server}.ts`,
        },
      })),
    ],
    // `npm run torture` runs campaigns that take minutes each.
    testTimeout: SIZE === 'torture' ? 3_600_000 : 60_000,
    // Removing the tens of thousands of files of a campaign takes its time, too.
    hookTimeout: 120_000,
    pool: recycledForks,
    isolate: false,
    // What tests make and forget within a moment is a quarter of the work of the collector otherwise.
    execArgv: ['--max-semi-space-size=32'],
    setupFiles: fileURLToPath(new URL('vitest.setup.ts', import.meta.url)),
    sequence: { sequencer: LongestFirst },
    // Much of their time they wait for a server, a process or a clock; the full forms wait less.
    maxWorkers: availableParallelism() + (LONG ? 1 : 2),
  },
});
