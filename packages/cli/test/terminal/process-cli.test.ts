import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, it, onTestFinished } from 'vitest';

const PROCESS_CLI = new URL('../../src/terminal/process-cli.ts', import.meta.url);

const SAYING = `
  const { processCli } = await import(process.argv[1]);
  const { stdout, stderr } = processCli(new AbortController().signal, () => {});
  for (let line = 0; line < 20; line++) {
    stdout.write('result\\n');
    stderr.write('note\\n');
  }
`;

it('a file that gets results and notes has them in the order in which they were said', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'securestore-log-'));
  onTestFinished(async () => rm(folder, { recursive: true }));
  const log = join(folder, 'log');
  const script = 'exec "$0" --input-type=module -e "$1" "$2" >"$3" 2>&1';
  await promisify(execFile)('bash', ['-c', script, process.execPath, SAYING, PROCESS_CLI.href, log]);
  expect(await readFile(log, 'utf8')).toBe('result\nnote\n'.repeat(20));
});
