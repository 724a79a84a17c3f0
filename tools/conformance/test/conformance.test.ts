import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { checkConformance } from '../src/check-conformance.ts';
import { documentOf, outcomesIn } from '../src/report.ts';
import type { Report } from '../src/report.ts';

type File = Report['testResults'][number];
const suite = (backend: string, concern: string): string[] => [`${backend}: backend contract`, concern];

const REDIS: File = {
  name: '/here/packages/backend-redis/test/conformance.test.ts',
  assertionResults: [
    { ancestorTitles: suite('redis', 'keys'), title: 'random keys', status: 'passed' },
    {
      ancestorTitles: suite('redis', 'batches'),
      title: 'all of them (skipped: atomicBatch is absent)',
      status: 'skipped',
    },
  ],
};
const FS: File = {
  name: '/here/packages/backend-fs/test/conformance.test.ts',
  assertionResults: [{ ancestorTitles: suite('fs', 'keys'), title: 'random keys', status: 'passed' }],
};
const OTHERS: File[] = [
  {
    name: '/here/packages/backend-api/test/layers/conformance.test.ts',
    assertionResults: [{ ancestorTitles: suite('layers', 'keys'), title: 'random keys', status: 'passed' }],
  },
  { name: '/here/packages/objects/test/store.test.ts', assertionResults: [] },
];
const SERVERLESS: File = {
  name: '/here/packages/backend-gcs/test/conformance.test.ts',
  assertionResults: [{ ancestorTitles: [], title: 'the backend contract (skipped: no server)', status: 'skipped' }],
};
const FAILING: File = {
  name: '/here/packages/backend-s3/test/ceph.test.ts',
  assertionResults: [{ ancestorTitles: suite('s3 on Ceph', 'keys'), title: 'random keys', status: 'failed' }],
};

/** Compares a page with a report, or writes it. */
async function check(
  files: File[],
  page: string,
  { write = false, isWhole = true } = {},
): Promise<{ tally: string; said: string; page: string }> {
  const root = await mkdtemp(join(tmpdir(), 'securestore-conformance-'));
  onTestFinished(() => rm(root, { recursive: true }));
  await mkdir(join(root, 'docs'));
  await writeFile(join(root, 'docs/conformance.md'), page);
  const report = join(root, 'report.json');
  await writeFile(report, JSON.stringify({ testResults: files }));
  const said: string[] = [];
  const { passed, failed, skipped } = await checkConformance({
    root,
    report,
    write,
    isWhole,
    log: (line) => said.push(line),
  });
  const after = await readFile(join(root, 'docs/conformance.md'), 'utf8');
  return { tally: `${passed}/${failed}/${skipped}`, said: said.join('\n'), page: after };
}

describe('the page on conformance', () => {
  it('has a line for each backend, with the reasons of what was left out, and every test once', () => {
    const page = documentOf(outcomesIn({ testResults: [REDIS, ...OTHERS, FS] }));
    expect(page).toContain('| fs | 1 | 0 |\n| redis | 1 | 1 |\n');
    expect(page).toContain('\n\n- redis: atomicBatch is absent (1)\n\n');
    expect(page.split('\n## Tests\n')[1]).toBe('\n### batches\n\n- all of them\n\n### keys\n\n- random keys\n');
    expect(page).toBe(documentOf(outcomesIn({ testResults: [FS, REDIS] })));
  });

  it('is written, and is what a later run is compared with', async () => {
    const { page } = await check([REDIS, FS], 'old', { write: true });
    expect(await check([FS, REDIS, ...OTHERS], page)).toEqual({ tally: '1/0/0', said: '', page });
    const changed = await check([FS], page);
    expect(changed).toMatchObject({ tally: '0/1/0', page });
    expect(changed.said).toContain('run "npm run conformance -- --write"');
  });

  it('is compared with those that ran if a server was missing, and not written', async () => {
    const { page } = await check([REDIS, FS], 'old', { write: true });
    const compared = await check([REDIS, SERVERLESS], page);
    expect(compared.tally).toBe('1/0/1');
    expect(compared.said).toContain('with what did not run: packages/backend-gcs/test/conformance.test.ts');
    expect(await check([REDIS, SERVERLESS], page.replace('| redis | 1 |', '| redis | 2 |'))).toMatchObject({
      tally: '0/1/0',
    });
    expect(await check([REDIS, SERVERLESS], page.replace('- all of them', '- some'))).toMatchObject({ tally: '0/1/0' });
    expect(await check([REDIS, SERVERLESS], 'old', { write: true })).toMatchObject({ tally: '0/1/0', page: 'old' });
    expect(await check([SERVERLESS], page)).toMatchObject({ tally: '0/0/1' });
    expect(await check([FS], page, { isWhole: false })).toMatchObject({ tally: '1/0/0', said: '' });
  });

  it('is not written where a backend fails, or where nothing was run', async () => {
    const failed = await check([REDIS, FAILING], 'old', { write: true });
    expect(failed).toMatchObject({ tally: '0/1/0', said: 's3 on Ceph fails: keys: random keys', page: 'old' });
    expect(await check([], 'old', { write: true })).toMatchObject({ tally: '0/1/0', page: 'old' });
    expect(await check([], 'old', { isWhole: false })).toMatchObject({ tally: '0/1/0' });
  });
});
