// `npm test`: checks and the short form of the tests. `--all` (`npm run test:all`) runs their full form;
// `--rest` runs what `--all` has more, after a run of `npm test -- --continued`, and closes for both.
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import process from 'node:process';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { build, CHECKERS } from '../../bootstrap/build.mjs';
import { checkConformance } from '../../conformance/src/check-conformance.ts';
import { checkPackages } from '../../pack-check/src/check-packages.ts';
import { digestOfSources, onceForSources } from './held.ts';
import { leftOut, longTests } from './long-tests.ts';
import { runTool } from './run-tool.ts';
import { installServers } from './servers.ts';
import type { Size } from '../../campaigns/src/size.ts';
import { add, closingLine, runStages, tallyOf } from './stages.ts';
import type { Stage, Tally } from './stages.ts';
import { runUnitTests, UNIT_REPORT } from './unit-tests.ts';

const root: string = fileURLToPath(new URL('../../..', import.meta.url));
const isTTY: boolean = process.stdout.isTTY;
/** Prints a line, in the place of what says which stage is running. */
const log = (line: string): void => console.log(isTTY ? `\r\u001B[K${line}` : line);
/** Where a continued run leaves its tally. */
const TALLY = join(root, '.cache/tally.json');

/** A program that begins with the check of the types, beside the others: meanwhile servers are downloaded. */
const tool = (name: string, file: string, ...args: string[]): Stage => ({
  name,
  beginsWith: 'types',
  run: () => runTool(root, file, args),
});

const building: Stage = {
  name: 'build',
  async run() {
    const code = await build(root, process.execPath);
    // The tests need not do it again.
    if (code === 0) process.env['SECURESTORE_BUNDLED'] = '1';
    return tallyOf(code === 0);
  },
};

/** @param isWhole - whether the tests before it had all that docs/conformance.md has */
function conformance({ isWhole }: { readonly isWhole: boolean }): Stage {
  const report = join(root, UNIT_REPORT);
  return { name: 'conformance', run: () => checkConformance({ root, report, write: false, isWhole, log }) };
}

/** Checks whose result depends only on the sources. */
const CHECKS: readonly Stage[] = [
  tool('types', '@typescript/native/bin/tsc', '-p', 'tsconfig.tests.json', ...CHECKERS),
  tool('lint', 'oxlint/bin/oxlint'),
  tool('format', 'oxfmt/bin/oxfmt', '--check'),
];

/** Those that find nothing that is wrong for users. */
const CHECKS_OF_CODE: readonly Stage[] = [
  tool('unused code', 'knip/bin/knip.js', '--no-progress'),
  // Of the sources that are published and of the tools; .jscpd.json has the budget, in per cent of all lines.
  tool('duplicated code', 'jscpd/run-jscpd.js'),
];

/** They mostly wait for what they install, so they begin early, and the tests do not wait for them. */
const PACKAGES: Stage = { name: 'packages', beginsWith: 'types', run: () => checkPackages(root) };

async function testsOf(size: Size): Promise<Tally> {
  const tally = await runUnitTests(root, { size });
  if (size === 'short') log(`  left to npm run test:all: ${leftOut(root).length} files (*.long.test.ts)`);
  return tally;
}

async function stagesOf(size: Size): Promise<Stage[]> {
  const sources = await digestOfSources(root);
  const once = (...stages: readonly Stage[]): Stage[] =>
    onceForSources(stages, join(root, '.cache/held.json'), sources);
  return [
    building,
    ...once(...CHECKS, ...(size === 'full' ? CHECKS_OF_CODE : [])),
    { name: 'servers', beginsWith: 'build', run: () => installServers(size) },
    { name: 'tests', run: () => testsOf(size) },
    ...once(PACKAGES),
    conformance({ isWhole: size === 'full' }),
  ];
}

/** What the full form of a run has more than the short one. */
const REST: readonly Stage[] = [
  building,
  ...CHECKS_OF_CODE.map((stage) => ({ ...stage, beginsWith: 'build' })),
  { name: 'servers', beginsWith: 'build', run: () => installServers('full') },
  { name: 'long tests', run: () => runUnitTests(root, { size: 'full', files: longTests(root) }) },
  conformance({ isWhole: false }),
];

async function tallyBefore(): Promise<Tally> {
  try {
    return JSON.parse(await readFile(TALLY, 'utf8')) as Tally;
  } catch {
    console.log('There is no result of "npm test -- --continued", which has to run first.');
    return tallyOf(false);
  }
}

const { values } = parseArgs({
  options: { all: { type: 'boolean' }, rest: { type: 'boolean' }, continued: { type: 'boolean' } },
});
const before: Tally = values.rest ? await tallyBefore() : { passed: 0, failed: 0, skipped: 0 };
for (const file of [TALLY, join(root, UNIT_REPORT)]) await rm(file, { force: true });
const announce = (name: string): unknown => isTTY && process.stdout.write(`\r\u001B[K… ${name}`);
const tally = await runStages(values.rest ? REST : await stagesOf(values.all ? 'full' : 'short'), {
  log,
  announce,
  now: () => performance.now(),
});
const total = add(before, tally);
if (values.continued) {
  await mkdir(join(root, '.cache'), { recursive: true });
  await writeFile(TALLY, JSON.stringify(total));
} else {
  log(closingLine(total));
}
process.exitCode = total.failed === 0 && tally.passed > 0 ? 0 : 1;
