import { createHmac } from 'node:crypto';
import type { KeyObject } from 'node:crypto';
import { availableParallelism } from 'node:os';
import type { Worker } from 'node:worker_threads';

/** How many blocks may wait for the thread: one that it hashes, and the next one. The caller hashes any more itself. */
const MAX_WAITING = 2;

/** For how long the thread outlives its last block, in milliseconds. */
const IDLE = 2000;

/** As text, so that it is found however this package is bundled. */
const PROGRAM = `
const { createHmac } = require('node:crypto');
const { parentPort } = require('node:worker_threads');
parentPort.on('message', ({ key, block }) => {
  parentPort.postMessage(createHmac('sha256', key).update(block).digest());
});`;

/** HMAC-SHA-256 (RFC 2104). */
function hmacHere(key: KeyObject, block: Uint8Array): Buffer {
  return createHmac('sha256', key).update(block).digest();
}

interface Waiting {
  readonly key: KeyObject;
  readonly block: Uint8Array;
  readonly settle: (digest: Buffer) => void;
}

/**
 * A thread that hashes long payloads, while the thread of the caller encrypts. `crypto.subtle` would do so in Node's thread
 * pool, but copies each block into fresh memory, which takes half as long as hashing it.
 */
class HashThread {
  readonly #worker: Worker;
  readonly #waiting: Waiting[] = [];
  readonly #idle: NodeJS.Timeout;

  constructor(worker: Worker, onEnd: () => void) {
    this.#worker = worker;
    this.#idle = setTimeout(() => void worker.terminate(), IDLE);
    this.#idle.unref();
    worker.unref();
    worker.on('message', (digest: Uint8Array) => this.#settle(Buffer.from(digest)));
    // Blocks that a thread had not hashed when it ended are hashed here.
    worker.on('error', () => undefined);
    worker.on('exit', () => {
      onEnd();
      clearTimeout(this.#idle);
      for (const { key, block, settle } of this.#waiting.splice(0)) settle(hmacHere(key, block));
    });
  }

  get isBusy(): boolean {
    return this.#waiting.length >= MAX_WAITING;
  }

  hash(key: KeyObject, block: Uint8Array): Promise<Buffer> {
    return new Promise((settle) => {
      // The process must not end before the answer has come.
      if (this.#waiting.length === 0) this.#worker.ref();
      this.#waiting.push({ key, block, settle });
      this.#worker.postMessage({ key, block }, []);
    });
  }

  #settle(digest: Buffer): void {
    this.#waiting.shift()?.settle(digest);
    if (this.#waiting.length > 0) return;
    this.#worker.unref();
    this.#idle.refresh();
  }
}

let thread: HashThread | undefined;
let isStarting = false;

async function start(): Promise<void> {
  try {
    const { Worker } = await import('node:worker_threads');
    const worker = new Worker(PROGRAM, {
      eval: true,
      name: 'securestore-digest',
      // It needs nothing of this process, least of all its secrets.
      env: {},
      execArgv: [],
      resourceLimits: { maxOldGenerationSizeMb: 16, maxYoungGenerationSizeMb: 2 },
    });
    thread = new HashThread(worker, () => {
      thread = undefined;
      isStarting = false;
    });
  } catch {
    // The process may start no threads (`--permission`): it hashes itself, and doesn't try again.
  }
}

/** Starts the thread for a long payload, if it isn't there and there is a processor for it. */
export function prepareHashThread(): void {
  if (isStarting || availableParallelism() === 1) return;
  isStarting = true;
  void start();
}

/** Whether another thread can read `block` without a copy. */
const isShared = ({ buffer }: Uint8Array): boolean => buffer instanceof SharedArrayBuffer;

/**
 * HMAC-SHA-256 of a block, by another thread if that is free and the block is in shared memory. Then the block must stay
 * unchanged until the promise resolves.
 */
export function hmacBlock(key: KeyObject, block: Uint8Array): Promise<Buffer> | Buffer {
  return thread === undefined || thread.isBusy || !isShared(block) ? hmacHere(key, block) : thread.hash(key, block);
}
