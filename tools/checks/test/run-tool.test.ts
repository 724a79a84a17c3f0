import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, it, onTestFinished, vi } from 'vitest';

const SOURCE: string = fileURLToPath(new URL('../src/run-tool.ts', import.meta.url));

it.each(['SIGTERM', 'SIGHUP'] as const)(
  'a run that gets a %s ends with the program that it waits for',
  async (signal) => {
    const folder = await mkdtemp(join(tmpdir(), 'securestore-run-tool-'));
    onTestFinished(async () => rm(folder, { recursive: true }));
    const started = join(folder, 'started');
    const endless = join(folder, 'endless.mjs');
    await writeFile(
      endless,
      `import { writeFileSync } from 'node:fs';
    setInterval(() => undefined, 1000);
    writeFileSync(${JSON.stringify(started)}, String(process.pid));`,
    );
    const runner = join(folder, 'runner.mjs');
    await writeFile(
      runner,
      `import { exitCodeOf } from ${JSON.stringify(SOURCE)};
    await exitCodeOf('/', ${JSON.stringify(endless)}, []);
    await exitCodeOf('/', ${JSON.stringify(endless)}, []);`,
    );
    const child = spawn(process.execPath, [runner], { stdio: 'ignore' });
    const pid = await vi.waitFor(async () => {
      const text = await readFile(started, 'utf8');
      expect(text).not.toBe('');
      return Number(text);
    }, 60_000);
    onTestFinished(() => {
      try {
        process.kill(pid, 'SIGKILL');
      } catch {
        // It has ended, as it should.
      }
    });
    child.kill(signal);
    expect(await once(child, 'close')).toEqual([null, signal]);
    expect(() => process.kill(pid, 0)).toThrow('ESRCH');
  },
);
