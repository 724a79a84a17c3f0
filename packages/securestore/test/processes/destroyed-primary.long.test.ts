import { spawn } from 'node:child_process';
import { randomInt } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { createStore, openStore, rawKey, restoreStore } from 'securestore';
import { afterAll, describe, expect, it } from 'vitest';
import { sized } from '../../../../tools/campaigns/src/size.ts';

const PROGRAM = fileURLToPath(new URL('backing-up.ts', import.meta.url));
const KEY = Buffer.alloc(32, 7);
/** More than so many writes are acknowledged. */
const LEAST = 10;
const KILLS = sized({ short: 1, full: 2, torture: 10 });

const folders: string[] = [];
afterAll(() => {
  for (const folder of folders) rmSync(folder, { recursive: true, force: true });
});

interface Ack {
  readonly key: string;
  readonly value: number;
  readonly at: number;
}

interface Told {
  readonly acks: Ack[];
  /** As the process said it last. */
  recoverableTo: number;
}

/** Has a process write and back up, and kills it at a random moment; then its store is destroyed. */
async function destroyed(folder: string, mode: string): Promise<Told> {
  const url = `sqlite:${join(folder, 'primary', 'vault.db')}`;
  const destination = `file:${join(folder, 'backups')}`;
  await (await createStore(url, { unlock: rawKey(KEY), maintenance: false })).close();
  // On the packages as bundled when the tests began, which load in half of the time.
  const flags = ['--no-warnings'];
  const child = spawn(process.execPath, [...flags, PROGRAM, url, destination, mode], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const told: Told = { acks: [], recoverableTo: 0 };
  const exited = once(child, 'close');
  let killing: NodeJS.Timeout | undefined;
  let isBegun = false;
  for await (const line of createInterface({ input: child.stdout })) {
    const { key, value, at, recoverableTo, begun } = JSON.parse(line) as Partial<Ack> & {
      recoverableTo?: number;
      begun?: true;
    };
    if (key !== undefined && value !== undefined && at !== undefined) told.acks.push({ key, value, at });
    if (recoverableTo !== undefined) told.recoverableTo = recoverableTo;
    isBegun ||= begun === true;
    // However slow the machine is just now, there is something to be lost before the end comes.
    const hasBegun = isBegun && told.acks.length > LEAST && (mode === 'synchronous' || told.recoverableTo > 0);
    if (hasBegun) killing ??= setTimeout(() => child.kill('SIGKILL'), randomInt(0, 1800));
  }
  clearTimeout(killing);
  await exited;
  rmSync(join(folder, 'primary'), { recursive: true });
  return told;
}

/** What the last acknowledged write of each object before a moment was. */
function lastBefore(acks: readonly Ack[], moment: number): Map<string, number> {
  const last = new Map<string, number>();
  for (const { key, value, at } of acks) if (at < moment) last.set(key, Math.max(value, last.get(key) ?? 0));
  return last;
}

async function restored(folder: string): Promise<Map<string, number>> {
  const [source, to] = [`file:${join(folder, 'backups')}`, `sqlite:${join(folder, 'again.db')}`];
  const unlock = rawKey(KEY);
  const report = await restoreStore(source, to, { unlock });
  expect(report.failed).toEqual([]);
  await using store = await openStore(to, { unlock, maintenance: false });
  expect(await store.verify({ payloads: true })).toMatchObject({ ok: true });
  const values = new Map<string, number>();
  for (const key of await store.list()) values.set(key, Number((await store.retrieve(key)).text()));
  return values;
}

describe('a primary that is destroyed at a random moment', () => {
  // Most of the time is waited.
  it.concurrent.each(Array.from({ length: KILLS }, (_, round) => round + 1))(
    'loses nothing that was acknowledged before the moment that it said it can be restored to (%i)',
    async () => {
      const folder = mkdtempSync(join(tmpdir(), 'securestore-primary-'));
      folders.push(folder);
      const { acks, recoverableTo } = await destroyed(folder, 'continuous');
      expect(acks.length).toBeGreaterThan(LEAST);
      expect(recoverableTo).toBeGreaterThan(0);
      const values = await restored(folder);
      for (const [key, value] of lastBefore(acks, recoverableTo)) expect(values.get(key)).toBeGreaterThanOrEqual(value);
    },
  );

  it.concurrent.each(Array.from({ length: KILLS }, (_, round) => round + 1))(
    'loses nothing that was acknowledged where it backs up synchronously (%i)',
    async () => {
      const folder = mkdtempSync(join(tmpdir(), 'securestore-primary-'));
      folders.push(folder);
      const { acks } = await destroyed(folder, 'synchronous');
      expect(acks.length).toBeGreaterThan(LEAST);
      const values = await restored(folder);
      for (const [key, value] of lastBefore(acks, Number.POSITIVE_INFINITY)) {
        expect(values.get(key)).toBeGreaterThanOrEqual(value);
      }
      expect(readdirSync(folder)).not.toContain('primary');
    },
  );
});
