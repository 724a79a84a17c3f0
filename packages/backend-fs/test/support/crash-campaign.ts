import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { randomInt } from 'node:crypto';
import { createInterface } from 'node:readline';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import type { StorageBackend } from '@securestore/backend-api';
import { isWhole } from './bodies.ts';

const PROGRAM = fileURLToPath(new URL('./writer-process.ts', import.meta.url));

/** What the writers said before they were killed. */
export interface Campaign {
  readonly written: Set<string>;
  /** Deleted, or about to be when the writer died. */
  readonly deleted: Set<string>;
  counted: number;
  killed: number;
}

interface Writer {
  readonly process: ChildProcess;
  readonly ready: Promise<unknown>;
  /** Also its files are closed by then, and its locks given back: its output alone ends before them. */
  readonly gone: Promise<unknown>;
}

function startWriter(command: readonly string[], id: string, campaign: Campaign): Writer {
  // On the packages as bundled when the tests began, which load in half of the time.
  const argv = ['--no-warnings', ...command, id];
  const child = spawn(process.execPath, argv, { stdio: ['ignore', 'pipe', 'inherit'] });
  const lines = createInterface({ input: child.stdout });
  const ready = new Promise((resolve, reject) => {
    lines.on('line', (line) => {
      const [word, key = ''] = line.split(' ');
      if (word === 'ready') resolve(undefined);
      else if (word === 'written') campaign.written.add(key);
      else if (word === 'counted') campaign.counted++;
      else if (word === 'delete') campaign.deleted.add(key);
    });
    child.on('exit', () => reject(new Error(`writer ${id} ended by itself`)));
  });
  return { process: child, ready, gone: Promise.all([once(lines, 'close'), once(child, 'exit')]) };
}

/** Runs `writers` processes at a time over a backend, kills and replaces one of them `kills` times, and kills all in the end. */
export async function runCampaign(packageName: string, url: string, writers: number, kills: number): Promise<Campaign> {
  return killWriters([PROGRAM, packageName, url], writers, kills);
}

/** Runs a program that says what `writer-process.ts` says, and is given a name of its own as its last argument. */
export async function killWriters(command: readonly string[], writers: number, kills: number): Promise<Campaign> {
  const campaign: Campaign = { written: new Set(), deleted: new Set(), counted: 0, killed: 0 };
  let started = 0;
  const start = (): Writer => startWriter(command, `w${started++}`, campaign);
  const running = Array.from({ length: writers }, start);
  await Promise.all(running.map(({ ready }) => ready));
  // On a busy machine the first ones would be killed before they have written anything.
  for (let waited = 0; campaign.written.size === 0 || campaign.counted === 0; waited++) {
    assert.ok(waited < 6000, 'the writers write nothing');
    await sleep(10);
  }
  for (let round = 0; round < kills + writers; round++) {
    await sleep(randomInt(20, 150));
    const [victim] = running.splice(randomInt(running.length), 1);
    assert.equal(victim?.process.kill('SIGKILL'), true, 'a writer ended before it was killed');
    await victim.gone;
    campaign.killed++;
    if (round >= kills) continue;
    const next = start();
    running.push(next);
    await next.ready;
  }
  return campaign;
}

/** Checks on a fresh handle that nothing acknowledged was lost, and nothing is torn, stuck or invented. */
export async function checkCampaign(backend: StorageBackend, campaign: Campaign): Promise<void> {
  assert.ok(campaign.written.size > 0 && campaign.counted > 0, 'the writers wrote nothing');
  const present = new Set<string>();
  for (let after: string | undefined; ;) {
    const page = await backend.list('o/', after === undefined ? {} : { after });
    for (const { key } of page.entries) present.add(key);
    after = page.entries.at(-1)?.key;
    if (!page.more) break;
  }
  for (const key of campaign.written) assert.ok(present.has(key) || campaign.deleted.has(key), `${key} was lost`);
  for (const key of present) {
    const found = await backend.read(key);
    // What a killed client asked of a server may be done after the listing.
    if (found === undefined) assert.ok(campaign.deleted.has(key), `${key} was lost after it was listed`);
    else assert.ok(isWhole(found.body), `${key} is torn`);
  }
  const counter = Number(Buffer.from((await backend.read('counter'))?.body ?? []).toString());
  // A writer has at most four increments on the way when it dies.
  const most = campaign.counted + 4 * campaign.killed;
  assert.ok(counter >= campaign.counted && counter <= most, `${counter} is not ${campaign.counted} to ${most}`);
  await backend.write('counter', Buffer.from('0'));
}
