import { parentPort, workerData } from 'node:worker_threads';
import { loadSuites } from '../../../packages/crypto/src/index.ts';
import type { Finding } from './fuzzer/fuzz.ts';
import { tryInput } from './fuzzer/fuzz.ts';
import { meterBuffers } from './fuzzer/meter.ts';
import { targets } from './targets/targets.ts';

/** What a worker is to do. */
export interface Share {
  readonly seed: number;
  /** How many inputs each target gets. */
  readonly perTarget: number;
  /** Of which this worker takes those whose index is its own, modulo how many there are. */
  readonly worker: number;
  readonly workers: number;
  readonly only: string | undefined;
  /** Where it tells its position: the index of its target, that of its input. */
  readonly position: Int32Array;
}

export type Message = { readonly finding: Finding } | { readonly done: number };

function tell(message: Message): void {
  // oxlint-disable-next-line unicorn/require-post-message-target-origin -- this is no window
  parentPort?.postMessage(message);
}

const MAX_FINDINGS = 20;
const MAX_BUFFER = 1024 * 1024;

const { seed, perTarget, worker, workers, only, position } = workerData as Share;
// Most inputs end in an error, and nobody looks at where it was made.
Error.stackTraceLimit = 0;
await loadSuites([1, 2]);
const all = targets();
const meter = meterBuffers(MAX_BUFFER);
let done = 0;
let found = 0;
for (const [number, target] of all.entries()) {
  if (only !== undefined && target.name !== only) continue;
  for (let index = worker; index < perTarget && found < MAX_FINDINGS; index += workers) {
    Atomics.store(position, 0, number);
    Atomics.store(position, 1, index);
    const finding = tryInput(target, seed, index, meter);
    done += 1;
    if (finding === undefined) continue;
    found += 1;
    tell({ finding });
  }
}
tell({ done });
