// Recorded: moves a store while it is written, and says each phase, `wrote <n>` for what was acknowledged, and `moved`.
import { writeSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { migrateStore, openStore } from '../../src/index.ts';
import { moveIn, written } from './move-steps.ts';
import type { Scheme } from './store-steps.ts';

const PAUSE_MS = 300;
/** So many are written at the new place at least. */
const AFTER = 5;

const [root = '', ...schemes] = process.argv.slice(2);
// The test passes two of them.
const [from, to] = schemes as [Scheme, Scheme];
const move = moveIn(root, from, to);
const say = (line: string): void => void writeSync(1, `${line}\n`);

const store = await openStore(move.from, { ...move.options, migrationTargets: [move.to] });
const job = migrateStore(move.from, move.to, move.options);
let isMoved = false;
const writing = (async () => {
  for (let [n, after] = [0, 0]; after < AFTER; n++) {
    if (isMoved) after += 1;
    const { key, data } = written(n);
    await store.store(key, data);
    say(`wrote ${n}`);
    await sleep(PAUSE_MS);
  }
})();
let before = '';
for await (const { phase } of job.progress) {
  if (phase !== before) say(`phase ${phase}`);
  before = phase;
}
const { migrated } = await job;
if (!migrated) throw new Error('the store did not move');
say('moved');
isMoved = true;
await writing;
await store.close();
