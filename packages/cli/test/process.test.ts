import { execFile, spawn } from 'node:child_process';
import { mkdir, readdir, readFile, watch, writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import { COMMAND, finished, jsonLines, sandbox } from './support/cli.ts';
import { makeTree, treeOf } from './support/tree.ts';
import { LONG, onlyLong, sized } from '../../../tools/campaigns/src/size.ts';

const BIN = fileURLToPath(new URL('../bin/securestore.cjs', import.meta.url));
const run = promisify(execFile);

describe('an interrupt', () => {
  it.each(LONG ? (['SIGINT', 'SIGTERM'] as const) : (['SIGINT'] as const))(
    'by %s ends a put from a pipe that says nothing, and says how to go on',
    async (signal) => {
      const box = await sandbox();
      const child = box.start(['put', 'k', '--json']);
      const ending = finished(child);
      // More than a pipe holds: it has gone when the command has begun to read.
      await new Promise((resolve) => void child.stdin?.write('x'.repeat(1_000_000), resolve));
      child.kill(signal);
      const { exitCode, stdout, stderr } = await ending;
      expect({ exitCode, stdout }).toEqual({ exitCode: 130, stdout: '' });
      expect(jsonLines(stderr)).toMatchObject([{ code: 'ABORTED', operation: 'put', exitCode: 130 }]);
      expect((await box.run(['get', 'k'])).exitCode).toBe(3);
    },
  );

  it.runIf(LONG)(
    onlyLong('of an import leaves what was stored, and the same command goes on'),
    { timeout: 120_000 },
    async () => {
      const box = await sandbox();
      await makeTree(box.path('in'), 4000);
      const child = box.start(['import', 'in', '--json']);
      child.stdout?.once('data', () => child.kill('SIGINT'));
      const stopped = await finished(child);
      expect(stopped.exitCode).toBe(130);
      const stored = jsonLines(stopped.stdout).filter(({ status }) => status === 'stored').length;
      expect(stored).toBeGreaterThan(0);
      expect(stored).toBeLessThan(4000);
      expect(jsonLines(stopped.stderr)).toMatchObject([
        {
          code: 'ABORTED',
          message: 'interrupted',
          hints: ['to resume with the remaining files: securestore import in --json'],
        },
      ]);
      const finish = await box.run(['import', 'in', '--json']);
      expect(finish.exitCode).toBe(0);
      const summary = jsonLines(finish.stdout).at(-1)?.['summary'];
      expect(summary).toMatchObject({ unchanged: expect.any(Number), stored: expect.any(Number) });
      const { unchanged = 0, stored: more = 0 } = summary as { unchanged?: number; stored?: number };
      expect(unchanged).toBeGreaterThanOrEqual(stored);
      expect(unchanged + more).toBe(4000);
    },
  );

  it.runIf(LONG)(onlyLong('of an export says once how to go on'), { timeout: 120_000 }, async () => {
    const box = await sandbox();
    await box.seed(Object.fromEntries(Array.from({ length: 500 }, (_, index) => [`${index}`, 'x'.repeat(10_000)])));
    await mkdir(box.path('out'));
    const written = watch(box.path('out'));
    const child = box.start(['export', 'out']);
    const ending = finished(child);
    const names = new Set<string>();
    for await (const { filename } of written) {
      if (filename !== null && /^\d+$/.test(filename)) names.add(filename);
      // More than are under way at once, so that some are done.
      if (names.size > 30) break;
    }
    child.kill('SIGINT');
    const { exitCode, stderr } = await ending;
    expect(exitCode).toBe(130);
    expect(stderr).toMatch(
      /^stopped: \d+ written\n[^\n]*interrupted \[ABORTED\]\nhint: to resume with the remaining objects: [^\n]*\n$/,
    );
  });

  it.runIf(LONG)(onlyLong('of an export leaves no half file'), { timeout: 120_000 }, async () => {
    const box = await sandbox();
    const objects = Object.fromEntries(Array.from({ length: 60 }, (_, index) => [`f/${index}`, 'x'.repeat(300_000)]));
    await box.seed(objects);
    const child = box.start(['export', 'out', '--json']);
    child.stdout?.once('data', () => child.kill('SIGTERM'));
    expect((await finished(child)).exitCode).toBe(130);
    const names = await readdir(box.path('out', 'f'));
    expect(names.filter((name) => !/^\d+$/.test(name))).toEqual([]);
    for (const name of names) expect((await readFile(box.path('out', 'f', name))).length).toBe(300_000);
    expect((await box.run(['export', 'out'])).exitCode).toBe(0);
    expect((await treeOf(box.path('out'))).size).toBe(60);
  });
});

describe('kill -9', () => {
  it('at any instant of an import loses nothing that was acknowledged', { timeout: 120_000 }, async () => {
    const box = await sandbox();
    await makeTree(box.path('in'), sized({ short: 120, full: 1500, torture: 1500 }));
    const acknowledged = new Set<unknown>();
    for (const after of sized({ short: [1, 40], full: [1, 40, 400], torture: [1, 40, 400] })) {
      const child = box.start(['import', 'in', '--json']);
      let seen = 0;
      child.stdout?.on('data', (chunk: Buffer) => {
        seen += chunk.toString().split('\n').length - 1;
        if (seen >= after) child.kill('SIGKILL');
      });
      const { stdout } = await finished(child);
      for (const { status, key } of jsonLines(stdout.slice(0, stdout.lastIndexOf('\n') + 1))) {
        if (status === 'stored') acknowledged.add(key);
      }
    }
    expect(acknowledged.size).toBeGreaterThan(0);
    const names = new Set((await box.run(['ls'])).stdout.trimEnd().split('\n'));
    expect([...acknowledged].filter((key) => !names.has(String(key)))).toEqual([]);
    expect((await box.run(['import', 'in'])).exitCode).toBe(0);
    expect((await box.run(['export', 'out'])).exitCode).toBe(0);
    expect(await treeOf(box.path('out'))).toEqual(await treeOf(box.path('in')));
  });
});

describe('pipes', () => {
  it.each([
    ['ls', 'secure | head -1', '0 0'],
    ['get large', 'secure | head -c 3', '0 0'],
  ])('that nobody reads to the end are no failure: %s', async (verb, pipe, statuses) => {
    const box = await sandbox();
    // Much more than a pipe holds, and the other process takes before it ends.
    const names = Array.from(
      { length: verb === 'ls' ? sized({ short: 2500, full: 3000, torture: 3000 }) : 0 },
      (_, index) => `${'long name '.repeat(8)}${index}`,
    );
    await box.seed({
      ...Object.fromEntries(names.map((name) => [name, ''])),
      large: 'x'.repeat(sized({ short: 1_000_000, full: 5_000_000, torture: 5_000_000 })),
    });
    const command = [...COMMAND, ...verb.split(' ')].map((part) => `'${part}'`).join(' ');
    const script = `${pipe.replace('secure', command)} >/dev/null; echo "\${PIPESTATUS[@]}"`;
    const { stdout, stderr } = await run('bash', ['-c', script], { env: box.env, cwd: box.path() });
    expect({ stdout, stderr }).toEqual({ stdout: `${statuses}\n`, stderr: '' });
  });

  it('that are closed at once do not end an import', async () => {
    const box = await sandbox();
    await makeTree(box.path('in'), 50);
    const child = box.start(['import', 'in', '--json']);
    child.stdout?.destroy();
    const { exitCode, stderr } = await finished(child);
    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
    expect((await box.run(['ls'])).stdout.trimEnd().split('\n').length).toBe(50);
  });

  it('that stay open do not keep a finished command alive', async () => {
    const box = await sandbox();
    const child = box.start(['ls']);
    // stdin is neither written to nor closed.
    expect((await finished(child)).exitCode).toBe(0);
  });

  it('show no progress and no colour', async () => {
    const box = await sandbox();
    await writeFile(box.path('data'), 'x'.repeat(3_000_000));
    const env = { NO_COLOR: '' };
    const { stdout, stderr } = await box.run(['put', 'k', 'data'], { env });
    const missing = await box.run(['get', 'missing'], { env });
    expect(stdout + stderr + missing.stderr).not.toContain('\u001b');
  });
});

describe('the installed command', () => {
  it('says in one line what it needs under an older Node', async () => {
    const script = `Object.defineProperty(process.versions, 'node', { value: '18.20.4' }); require(${JSON.stringify(BIN)})`;
    const { exitCode, stdout, stderr } = await finished(spawn(process.execPath, ['-e', script]));
    expect({ exitCode, stdout }).toEqual({ exitCode: 2, stdout: '' });
    expect(stderr).toMatch(/^securestore needs Node 24\.7 or newer; this is Node 18\.20\.4 \(.*\)\.\n$/);
  });

  it('is written in words that every Node can parse', async () => {
    const source = await readFile(BIN, 'utf8');
    expect(source).toMatch(/^#!\/usr\/bin\/env node\n/);
    const code = source.replaceAll(/\/\/.*|'[^']*'/g, '');
    expect(code).not.toMatch(/=>|`|\b(?:const|let|class|async|await|import|export)\b|\?\.|\?\?|\.\.\./);
  });
});

/** Runs a command in a shell, which opens its output. */
async function inShell(line: string): Promise<{ code: number; stderr: string }> {
  const box = await sandbox();
  await box.seed({ k: 's3cr3t', big: 'x'.repeat(300_000) });
  const command = COMMAND.map((word) => `'${word}'`).join(' ');
  const child = spawn('sh', ['-c', line.replaceAll('SECURESTORE', command)], { cwd: box.path(), env: { ...box.env } });
  const { exitCode, stderr } = await finished(child);
  return { code: exitCode ?? -1, stderr };
}

describe('input that is no data', () => {
  it('is not stored as an empty object where stdin is a folder', async () => {
    const { code, stderr } = await inShell('SECURESTORE put k < /');
    expect({ code, stderr }).toMatchObject({ code: 2, stderr: expect.stringContaining('on a directory') });
  });

  const WRONG = [
    ['get k -o ""', 2, 'error: --output must name a file, got "" [INVALID_ARGUMENT]\n'],
    ['put k ""', 2, 'the name of the file must not be empty'],
    ['slot remove x', 3, 'error: slot x does not exist [NOT_FOUND]\nhint: to list the slots: securestore slot list'],
    ['ls /k', 0, 'note: no name begins with /'],
  ] as const;
  it.each(LONG ? WRONG : WRONG.slice(3))('%s says what is wrong', async (words, exitCode, message) => {
    const { code, stderr } = await inShell(`SECURESTORE ${words}`);
    expect({ code, stderr }).toMatchObject({ code: exitCode, stderr: expect.stringContaining(message) });
  });
});

describe('a state folder that can not be written', () => {
  it('is one warning, with the file that could not be', async () => {
    const { code, stderr } = await inShell('XDG_STATE_HOME=/dev/null SECURESTORE ls');
    expect(code).toBe(0);
    expect(stderr).toMatch(
      /^warning: an older copy of the store would not be noticed: the anchor \/dev\/null\/securestore\/\S+ cannot be written \(ENOTDIR\)\n2 keys\n$/,
    );
  });
});

const FULL = ['get big', 'ls', 'get k', 'get k --json', 'info k'];

describe.runIf(process.platform === 'linux')(
  'output that goes nowhere (Linux has a device that is always full)',
  () => {
    it.each(LONG ? FULL : FULL.slice(0, 2))('%s to a full disk is NO_SPACE', async (words) => {
      const { code, stderr } = await inShell(`SECURESTORE ${words} > /dev/full`);
      expect(stderr).toContain('NO_SPACE');
      expect(code).toBe(7);
    });

    it('get -o /dev/stdout does not replace the file that the output goes to', async () => {
      const { code, stderr } = await inShell(
        '(echo before; SECURESTORE get k -o /dev/stdout; echo; echo after) > log && test "$(tr "\\n" " " < log)" = "before s3cr3t after "',
      );
      expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    });

    it('a second interrupt ends what waits for a pipe that nobody writes to', async () => {
      const box = await sandbox();
      await run('mkfifo', [box.path('pipe')]);
      const child = box.start(['put', 'k', 'pipe']);
      const ending = finished(child);
      const interrupting = setInterval(() => child.kill('SIGINT'), 500);
      await ending.finally(() => clearInterval(interrupting));
      expect(child.signalCode ?? child.exitCode).not.toBe(0);
      expect((await box.run(['get', 'k'])).exitCode).toBe(3);
    });
  },
);
