import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { expect, onTestFinished, test } from 'vitest';
import type { SecureStore } from '../src/index.ts';
import { createStore, generateIdentity, identity, openStore, rawKey, recipientOf } from '../src/index.ts';
import { LONG } from '../../../tools/campaigns/src/size.ts';

const PROGRAM = fileURLToPath(new URL('./support/audited-process.ts', import.meta.url));
const PROCESSES = LONG ? 8 : 4;
const NAME = LONG
  ? 'eight processes record every attempt once, also where half of them are killed'
  : 'four processes record every attempt once, also where half of them are killed';
const EACH = 40;
const unlock = rawKey(Buffer.alloc(32, 3));

const killed = (at: number): boolean => at % 2 === 0;

/** Runs one process, which is killed after it has acknowledged so much, and has no end before. @returns what it has acknowledged */
async function run(url: string, prefix: string, killAfter: number): Promise<string[]> {
  const count = killAfter === Infinity ? EACH : Infinity;
  const args = ['--conditions=@securestore/source', '--no-warnings', PROGRAM, url, prefix, String(count)];
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  const acknowledged: string[] = [];
  for await (const line of createInterface({ input: child.stdout })) {
    acknowledged.push(line);
    if (acknowledged.length === killAfter) child.kill('SIGKILL');
  }
  return acknowledged;
}

async function recordedIn(store: SecureStore): Promise<string[]> {
  const names: string[] = [];
  for await (const { action, object } of store.audit.tail({ entries: 100_000 })) {
    if (action === 'write' && object !== undefined && 'name' in object) names.push(object.name);
  }
  return names;
}

// T-AUDIT-01
test(NAME, async () => {
  const folder = mkdtempSync(join(tmpdir(), 'securestore-audit-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  const url = `sqlite:${join(folder, 'vault.db')}`;
  const auditor = generateIdentity();
  const store = await createStore(url, { unlock, maintenance: false });
  onTestFinished(() => store.close());
  await store.audit.enable({ auditor: await recipientOf(auditor), mode: 'fail-closed' });

  const runs = Array.from({ length: PROCESSES }, (_, at) => run(url, `p${at}`, killed(at) ? 3 + at * 4 : Infinity));
  const acknowledged = (await Promise.all(runs)).flat();

  const names = await recordedIn(store);
  expect(new Set(names).size).toBe(names.length);
  expect(acknowledged.filter((name) => !names.includes(name))).toEqual([]);
  // What is recorded and was not acknowledged is at most what each killed process was at.
  expect(names.length - acknowledged.length).toBeLessThanOrEqual(PROCESSES / 2);
  for (const name of names) expect(await store.has(name)).toBe(true);

  const report = await store.audit.verify({ auditor: identity(auditor) });
  expect(report.findings).toEqual([]);
  const ended = report.segments.filter((segment) => segment.ended);
  expect(ended.length).toBe(PROCESSES / 2);
  const later = await openStore(url, { unlock, maintenance: false });
  onTestFinished(() => later.close());
  expect((await later.audit.verify({ auditor: identity(auditor) })).ok).toBe(true);
});
