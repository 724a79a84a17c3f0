import { randomInt } from 'node:crypto';
import { availableParallelism } from 'node:os';
import { parseArgs } from 'node:util';
import { Worker } from 'node:worker_threads';
import { inputOf, tryInput } from './fuzzer/fuzz.ts';
import { meterBuffers } from './fuzzer/meter.ts';
import { targets } from './targets/targets.ts';
import { Watchdog } from './fuzzer/watchdog.ts';
import type { Message, Share } from './worker.ts';

// Gives every parser inputs that are nearly right, and such that are not:
//   npm run fuzz -- [--count 10000000] [--seed N] [--target NAME] [--replay NAME:INDEX]
const DEFAULT_COUNT = 10_000_000;
const LOOK_EVERY = 1000;
const PROGRESS_EVERY = 10_000;
/** No input takes a thousandth of that. */
const PATIENCE = 20_000;
/** Megabytes of heap for each worker: parsers need a few. */
const HEAP = 256;

const { values } = parseArgs({
  options: {
    count: { type: 'string', default: String(DEFAULT_COUNT) },
    seed: { type: 'string', default: String(randomInt(2 ** 32)) },
    target: { type: 'string' },
    replay: { type: 'string' },
  },
});
const seed = Number(values.seed);
const all = targets();

function replay(what: string): number {
  const colon = what.lastIndexOf(':');
  const target = all.find(({ name }) => name === what.slice(0, colon));
  if (target === undefined) throw new Error(`known are: ${all.map(({ name }) => name).join('; ')}`);
  const index = Number(what.slice(colon + 1));
  console.log(inputOf(target, seed, index).toString('hex'));
  const finding = tryInput(target, seed, index, meterBuffers(1024 * 1024));
  console.log(finding?.problem ?? 'nothing is wrong with it');
  return finding === undefined ? 0 : 1;
}

interface Running {
  readonly worker: Worker;
  readonly position: Int32Array;
  readonly watchdog: Watchdog;
  readonly ended: Promise<number>;
}

function start(share: Omit<Share, 'position'>, report: (message: Message) => void): Running {
  const position = new Int32Array(new SharedArrayBuffer(8));
  const worker = new Worker(new URL('worker.ts', import.meta.url), {
    workerData: { ...share, position },
    resourceLimits: { maxOldGenerationSizeMb: HEAP },
  });
  worker.on('message', report);
  const ended = new Promise<number>((resolve, reject) => {
    worker.once('error', reject);
    worker.once('exit', resolve);
  });
  return { worker, position, watchdog: new Watchdog(PATIENCE), ended };
}

/** Prints how far it is, and ends the process when a worker hangs. */
function watch(running: readonly Running[], perTarget: number, chosen: number): NodeJS.Timeout {
  const begun = performance.now();
  const ended = new Set<Worker>();
  for (const { worker } of running) worker.once('exit', () => ended.add(worker));
  let printed = begun;
  return setInterval(() => {
    const now = performance.now();
    let done = 0;
    for (const { worker, position, watchdog } of running) {
      const [target, index] = [Atomics.load(position, 0), Atomics.load(position, 1)];
      done += ((values.target === undefined ? target : 0) * perTarget + index) / running.length;
      // Until the first input the worker is being loaded; after its last one it stays where it was.
      if (index === 0 || ended.has(worker) || !watchdog.look({ target, index }, now)) continue;
      console.error(`hangs: --seed ${seed} --replay "${all[target]?.name}:${index}"`);
      process.exit(1);
    }
    if (now - printed < PROGRESS_EVERY || done === 0) return;
    printed = now;
    const total = perTarget * chosen;
    const left = ((now - begun) / done) * (total - done);
    console.log(`${Math.round(done)} of ${total} inputs, about ${Math.ceil(left / 1000)} s left`);
  }, LOOK_EVERY);
}

async function fuzz(): Promise<number> {
  const chosen = values.target === undefined ? all.length : 1;
  const perTarget = Math.ceil(Number(values.count) / chosen);
  const workers = availableParallelism();
  console.log(`seed ${seed}: ${perTarget} inputs for each of ${chosen} parsers, by ${workers} workers`);
  const begun = performance.now();
  let [findings, done] = [0, 0];
  const running = Array.from({ length: workers }, (_, worker) =>
    start({ seed, perTarget, worker, workers, only: values.target }, (message) => {
      if ('done' in message) done += message.done;
      else {
        findings += 1;
        const { target, index, problem, input } = message.finding;
        console.error(`${target}: ${problem}\n  ${input}\n  --seed ${seed} --replay "${target}:${index}"`);
      }
    }),
  );
  const timer = watch(running, perTarget, chosen);
  const codes = await Promise.all(running.map(({ ended }) => ended));
  clearInterval(timer);
  const seconds = (performance.now() - begun) / 1000;
  console.log(
    `${done} inputs in ${seconds.toFixed(1)} s, ${Math.round(done / seconds)} a second: ${findings} findings`,
  );
  return findings === 0 && done >= perTarget * chosen && codes.every((code) => code === 0) ? 0 : 1;
}

process.exitCode = values.replay === undefined ? await fuzz() : replay(values.replay);
