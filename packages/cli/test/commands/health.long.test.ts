import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { createServer } from 'node:net';
import { readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { parseRate } from '../../src/call/parse-values.ts';
import { backupScene } from '../support/backups.ts';
import { finished, jsonLines, sandbox } from '../support/cli.ts';
import { converse, hasTerminals, unwrapped } from '../support/converse.ts';
import { LONG, onlyLong } from '../../../../tools/campaigns/src/size.ts';

async function filesUnder(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  return entries.flatMap((entry) => (entry.isFile() ? [join(entry.parentPath, entry.name)] : []));
}

/** Flips a bit of the last byte. */
async function damage(file: string): Promise<void> {
  const bytes = await readFile(file);
  bytes[bytes.length - 1] = (bytes.at(-1) ?? 0) ^ 1;
  await writeFile(file, bytes);
}

describe('health', () => {
  it('is a table for people, and lines for programs', async () => {
    const scene = await backupScene(onTestFinished);
    const shown = await scene.run(['health']);
    expect(shown).toMatchObject({ exitCode: 0, stderr: '' });
    expect(shown.stdout).toMatch(/^STATUS +CHECK +REASON\nok +backend +fs can write, read and remove/);
    expect(shown.stdout).toMatch(/\nok +capacity .*\nnot set up +scrub +no scrub of the store has completed\n/);
    expect(shown.stdout).toMatch(
      /\nnot set up +backup +no backup is configured\nnot set up +audit +the store is not audited\n/,
    );
    expect(shown.stdout).toMatch(/\n\nthe store is ok: 7 ok, 3 not set up\n$/);
    expect(shown.stdout).not.toContain('What to do');
    const lines = jsonLines((await scene.run(['health', '--json'])).stdout);
    expect(lines.at(-1)).toMatchObject({
      summary: { status: 'ok', took: expect.any(Number), time: expect.any(String) },
    });
    expect(lines[0]).toMatchObject({ name: 'backend', status: 'ok', reason: expect.any(String), advice: '' });
  });

  it('says what to do, and ends with 7 where the store is failing', async () => {
    const scene = await backupScene(onTestFinished);
    await scene.run(['backup', scene.destination]);
    await rm(scene.destination.replace('file:', ''), { recursive: true });
    const failing = await scene.run(['health']);
    expect(failing.exitCode).toBe(7);
    expect(failing.stdout).toMatch(
      /^STATUS.*\nfailing +backup file:\S+ +the destination file:\S+ has no backups any more/,
    );
    expect(failing.stdout).toMatch(/What to do:\n {2}backup file:\S+: see that its disk is mounted/);
    expect(failing.stdout).toMatch(/\n\nthe store is failing: 1 failing, 7 ok, 2 not set up\n$/);
  });

  it('ends with 0 where the store is only degraded, by the thresholds of the configuration', async () => {
    const scene = await backupScene(onTestFinished);
    const config = scene.path('securestore.config.json');
    await writeFile(config, JSON.stringify({ health: { thresholds: { maxKeyAge: 0.001 } } }));
    const before = process.cwd();
    process.chdir(scene.path('.'));
    try {
      const degraded = await scene.run(['health']);
      expect(degraded.exitCode).toBe(0);
      expect(degraded.stdout).toMatch(/degraded +keys .*a rotation is due/);
      expect(degraded.stdout).toContain('keys: run "securestore rotate --same-secret"\n');
      await writeFile(config, JSON.stringify({ health: { thresholds: { maxAge: 1 } } }));
      const wrong = await scene.run(['health']);
      expect(wrong.exitCode).toBe(2);
      expect(wrong.stderr).toContain('unknown threshold "maxAge"');
    } finally {
      process.chdir(before);
    }
  });

  it('tells of a store that can not be opened, and of a wrong secret as every command does', async () => {
    const scene = await backupScene(onTestFinished);
    const [head = ''] = (await filesUnder(scene.path('vault'))).filter((file) => /\bstore\b[^/]*$/.test(file));
    const other = scene.path('other.key');
    await writeFile(other, Buffer.alloc(32, 8), { mode: 0o600 });
    expect((await scene.run(['health', '--key-file', other])).exitCode).toBe(9);
    await damage(head);
    const failing = await scene.run(['health']);
    expect(failing.exitCode).toBe(7);
    expect(failing.stdout).toMatch(/failing +open +the store cannot be opened \(INTEGRITY\)/);
    expect(failing.stdout).toContain('open: keep others from writing there');
    expect(jsonLines((await scene.run(['health', '--json'])).stdout)).toMatchObject([
      { name: 'open', status: 'failing' },
      { summary: { status: 'failing' } },
    ]);
  });
});

describe('health of a store that is to move', () => {
  it('says so, as long as it has not moved and nobody has given that up', async () => {
    const scene = await backupScene(onTestFinished);
    const to = `file:${scene.path('elsewhere')}`;
    expect((await scene.run(['health'])).stdout).not.toContain('migration');
    expect((await scene.run(['migrate', scene.url, to, '--copy-only'])).exitCode).toBe(0);
    const shown = await scene.run(['health']);
    expect(shown.exitCode).toBe(0);
    expect(shown.stdout).toContain(`a migration to ${to} has not been resumed for`);
    expect((await scene.run(['migrate', scene.url, '--cancel'])).exitCode).toBe(0);
    expect((await scene.run(['health'])).stdout).not.toContain('migration');
    expect((await scene.run(['migrate', scene.url, to])).exitCode).toBe(0);
    expect((await scene.run(['health'], { env: { SECURESTORE_URL: to } })).stdout).not.toContain('migration');
  });
});

describe('health of a place without a store', () => {
  it.each(['file:', 'sqlite:'])('is failing, also in JSON, and says what to look for: %s', async (scheme) => {
    const scene = await backupScene(onTestFinished);
    const env = { SECURESTORE_URL: `${scheme}${scene.path('not-mounted')}` };
    const { exitCode, stdout, stderr } = await scene.run(['health'], { env });
    expect({ exitCode, stderr }).toEqual({ exitCode: 7, stderr: '' });
    expect(stdout).toMatch(/\nfailing +open +the store cannot be opened \(NOT_FOUND\): .*no store is here\n/);
    expect(stdout).toMatch(/\n {2}open: see that the store URL is the right one, and that its disk is mounted;/);
    expect(jsonLines((await scene.run(['health', '--json'], { env })).stdout)).toMatchObject([
      { name: 'open', status: 'failing' },
      { summary: { status: 'failing' } },
    ]);
    // What was given wrongly is no finding.
    expect((await scene.run(['health', '--key-file', scene.path('none')], {})).exitCode).toBe(2);
    await scene.lose();
    expect((await scene.run(['health'])).exitCode).toBe(7);
  });
});

describe.skipIf(!hasTerminals)('health on a terminal', () => {
  it('has colours, unless they are not wanted', async () => {
    const box = await sandbox();
    const { transcript, exitCode } = await converse(box, ['health'], []);
    expect(exitCode).toBe(0);
    expect(transcript).toMatch(/\n\u001b\[32m✓ ok\u001b\[39m +backend /);
    expect(transcript).toMatch(/\n\u001b\[90m- not set up\u001b\[39m +audit /);
    const plain = await converse({ ...box, env: { ...box.env, NODE_DISABLE_COLORS: '1' } }, ['health'], []);
    expect(plain.transcript).toMatch(/\n✓ ok +backend /);
    expect(plain.transcript).not.toContain('\u001b');
    expect((await box.run(['health'], { env: { NO_COLOR: '' } })).stdout).not.toContain('\u001b');
  });

  it('ends in time where a server never answers, too', async () => {
    // Not from the start of the process, which takes long on a busy machine.
    let begun = Infinity;
    const silent = createServer(() => {
      begun = Math.min(begun, Date.now());
    }).listen(0, '127.0.0.1');
    await once(silent, 'listening');
    onTestFinished(() => void silent.close());
    const { port } = silent.address() as AddressInfo;
    const box = await sandbox();
    const env = { ...box.env, SECURESTORE_URL: `redis://127.0.0.1:${port}/0` };
    const ended = await converse({ ...box, env }, ['health', '--timeout', '1s'], []);
    expect(Date.now() - begun).toBeLessThan(8000);
    expect(ended.exitCode).toBe(7);
    expect(unwrapped(ended)).toContain('the store cannot be opened (TIMEOUT): the backend redis was not ready in time');
  });
});

describe('health of a store on a server that never answers', () => {
  it('ends in time, and says so', async () => {
    const silent = createServer(() => undefined).listen(0, '127.0.0.1');
    await once(silent, 'listening');
    onTestFinished(() => void silent.close());
    const { port } = silent.address() as AddressInfo;
    const scene = await backupScene(onTestFinished);
    const env = { SECURESTORE_URL: `redis://127.0.0.1:${port}/0` };
    const begun = Date.now();
    const { exitCode, stdout } = await scene.run(['health', '--timeout', '1s'], { env });
    expect(Date.now() - begun).toBeLessThan(15_000);
    expect({ exitCode, stdout }).toEqual({ exitCode: 7, stdout: expect.stringMatching(/failing +open .*\(TIMEOUT\)/) });
    expect(stdout).toContain('open: see whether the server is overloaded');
    const [, { summary = {} } = {}] = jsonLines(
      (await scene.run(['health', '--timeout', '1s', '--json'], { env })).stdout,
    );
    expect((summary as { readonly took?: number }).took).toBeGreaterThanOrEqual(900);
  });
});

describe('scrub', () => {
  it.runIf(LONG)(onlyLong('finds what is damaged, remembers it, and repairs it from a backup'), async () => {
    const scene = await backupScene(onTestFinished);
    await scene.run(['backup', scene.destination]);
    const well = await scene.run(['scrub', '--rate', '100MB/s']);
    expect(well).toMatchObject({ exitCode: 0, stderr: '' });
    expect(well.stdout).toMatch(
      /^nothing is wrong among 4 objects, 0 deletions, 0 older versions, 1 part of a payload;/,
    );
    const [part = ''] = await filesUnder(scene.path('vault/b'));
    const before = await readFile(part);
    await damage(part);
    const found = await scene.run(['scrub']);
    expect(found.exitCode).toBe(5);
    expect(found.stdout).toMatch(/^payload: large \(b\/\S+\): /);
    expect(found.stdout).toContain('1 finding among 4 objects');
    expect(found.stdout).toMatch(
      /\nto put it back as it was: securestore scrub --repair BACKUP .*; securestore restore BACKUP --key KEY --conflict overwrite .*\n$/,
    );
    const health = await scene.run(['health']);
    expect(health.exitCode).toBe(7);
    expect(health.stdout).toMatch(/failing +scrub +1 thing is not as stored: payload large \(b\//);
    expect((await scene.run(['scrub', '--no-payloads'])).exitCode).toBe(0);
    const repaired = await scene.run(['scrub', '--repair', scene.destination, '--json']);
    expect(repaired.exitCode).toBe(0);
    expect(jsonLines(repaired.stdout)).toMatchObject([
      { kind: 'payload', key: 'large', repaired: true },
      { summary: { ok: true, found: 1, repaired: 1 } },
    ]);
    expect(await readFile(part)).toEqual(before);
    expect((await scene.run(['health'])).exitCode).toBe(0);
  });

  it.runIf(LONG)(onlyLong('goes on where it was, after kill -9'), { timeout: 120_000 }, async () => {
    const box = await sandbox();
    await box.seed(
      Object.fromEntries(Array.from({ length: 40 }, (_, at) => [`large/${at}`, Buffer.alloc(100_000, at)])),
    );
    const child = box.start(['scrub', '--rate', '50KB/s']);
    const ended = finished(child);
    // The scrub takes eighty seconds, and saves its place once a second.
    const saved = async (): Promise<boolean> => {
      const [job] = jsonLines((await box.run(['job', 'list', '--json'])).stdout);
      return Date.parse(String(job?.['updated'])) - Date.parse(String(job?.['started'])) > 2000;
    };
    await vi.waitUntil(saved, { timeout: 60_000, interval: 200 });
    child.kill('SIGKILL');
    expect((await ended).exitCode).toBeNull();
    const killed = Date.now();
    const again = await box.run(['scrub', '--json']);
    expect(again).toMatchObject({ exitCode: 0, stderr: '' });
    const [line] = jsonLines(again.stdout);
    expect(line).toMatchObject({ summary: { ok: true, objects: 40, parts: 40, bytes: 4_000_000 } });
    const summary = (line?.['summary'] ?? {}) as { readonly started?: string };
    expect(Date.parse(summary.started ?? '')).toBeLessThan(killed - 1000);
  });

  it('refuses rates and times that are none, and a backup that is not there', async () => {
    const scene = await backupScene(onTestFinished);
    expect((await scene.run(['scrub', '--rate', 'fast'])).exitCode).toBe(2);
    expect((await scene.run(['scrub', '--over', 'soon'])).exitCode).toBe(2);
    expect((await scene.run(['scrub', '--repair', `file:${scene.path('nowhere')}`])).exitCode).toBe(3);
  });

  it.each([
    ['10MB/s', 10_000_000],
    ['1.5 MiB/s'.replace(' ', ''), 1_572_864],
    ['500kb', 500_000],
    ['1GiB/s', 1_073_741_824],
    ['200B/s', 200],
  ])('reads the rate %s', (text, rate) => expect(parseRate('--rate', text)).toBe(rate));

  it.each(['', '10', '10Mb/h', '-1MB/s', '0MB/s', '0.5B/s', 'MB/s'])('refuses the rate %j', (text) =>
    expect(() => parseRate('--rate', text)).toThrow(expect.objectContaining({ code: 'INVALID_ARGUMENT' })),
  );
});
