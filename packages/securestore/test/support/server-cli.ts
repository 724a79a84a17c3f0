import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished } from 'vitest';
import { jsonLines } from '../../../cli/test/support/cli.ts';
import { runHere } from '../../../cli/test/support/in-process.ts';
import type { Proxy } from '../../../../tools/services/src/proxy/proxy.ts';

const CHECKS = ['backend', 'latency', 'errors', 'head', 'clock', 'keys', 'capacity', 'scrub', 'backup', 'audit'];
const NOT_SET_UP: ReadonlySet<string> = new Set(['scrub', 'backup', 'audit']);

/** `securestore health` on a place behind a proxy where nothing is yet: while all is well, and while nobody gets through. */
export async function healthByCommandLine(proxy: Proxy, backend: string): Promise<void> {
  const { url } = proxy;
  const folder = mkdtempSync(join(tmpdir(), 'securestore-health-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const keyFile = (name: string, byte: number): string => {
    const path = join(folder, name);
    writeFileSync(path, Buffer.alloc(32, byte), { mode: 0o600 });
    return path;
  };
  const [key, other] = [keyFile('right.key', 7), keyFile('wrong.key', 8)];
  const run = (args: readonly string[], file = key): ReturnType<typeof runHere> =>
    runHere([...args, '--no-anchor', '--key-file', file], { env: { SECURESTORE_URL: url } });
  expect((await run(['init'])).exitCode).toBe(0);

  // Beside other tests an answer of a server may take over a second, which `health` is right to call slow.
  const whileQuick = async (args: readonly string[]): ReturnType<typeof run> => {
    const deadline = performance.now() + 60_000;
    for (;;) {
      const looked = await run(args);
      if (
        !/degraded +latency|"name":"latency".*"status":"degraded"/.test(looked.stdout) ||
        performance.now() > deadline
      )
        return looked;
    }
  };
  const well = await whileQuick(['health']);
  expect(well.exitCode).toBe(0);
  expect(well.stdout).toMatch(/^STATUS +CHECK +REASON\nok +backend +\w+ can write, read and remove\n/);
  expect(well.stdout).toContain(backend);
  expect(well.stdout).toMatch(/\n\nthe store is ok: 7 ok, 3 not set up\n$/);
  expect(well.stdout).not.toContain('\u001b');
  const lines = jsonLines((await whileQuick(['health', '--json'])).stdout);
  expect(lines.slice(0, -1).map(({ name, status }) => [name, status])).toEqual(
    CHECKS.map((name) => [name, NOT_SET_UP.has(name) ? 'not-set-up' : 'ok']),
  );
  expect(lines.at(-1)).toMatchObject({ summary: { status: 'ok', took: expect.any(Number) } });
  expect((await run(['health'], other)).exitCode).toBe(9);

  proxy.cut();
  let begun = performance.now();
  let failing = await run(['health', '--timeout', '1s']);
  // A machine that is busy may take longer once, but not each time.
  for (let again = 0; again < 4 && performance.now() - begun >= 4000; again++) {
    begun = performance.now();
    failing = await run(['health', '--timeout', '1s']);
  }
  expect(performance.now() - begun).toBeLessThan(4000);
  expect(failing.exitCode).toBe(7);
  expect(failing.stdout).toMatch(/\nfailing +open +the store cannot be opened \((UNAVAILABLE|TIMEOUT)\): /);
  expect(failing.stdout).toMatch(/\n\nWhat to do:\n {2}open: see .*\n\nthe store is failing: 1 failing\n$/);
  expect(jsonLines((await run(['health', '--timeout', '1s', '--json'])).stdout)).toMatchObject([
    { name: 'open', status: 'failing', advice: expect.stringMatching(/^see /) },
    { summary: { status: 'failing' } },
  ]);
  const shown = failing.stdout + well.stdout;
  for (const secret of [new URL(url).password].filter(Boolean)) expect(shown).not.toContain(secret);
  proxy.set();
}
