import { createHmac } from 'node:crypto';
import type { KeyObject } from 'node:crypto';
import { availableParallelism } from 'node:os';
import type { MessagePort, Worker } from 'node:worker_threads';

/** How many blocks may wait for the thread: one that it hashes, and the next one. The caller hashes any more itself. */
const MAX_WAITING = 2;

/** For how long the thread outlives its last block, in milliseconds. */
const IDLE = 2000;

/** As text, so that it is found however this package is bundled. */
const PROGRAM = `
const { createHmac } = require('node:crypto');
const { workerData: port } = require('node:worker_threads');
port.on('message', ({ key, block }) => {
  port.postMessage(createHmac('sha256', key).update(block).digest());
});`;

/** HMAC-SHA-256 (RFC 2104). */
function hmacHere(key: KeyObject, block: Uint8Array): Buffer {
  return createHmac('sha256', key).update(block).digest();
}

type Threads = typeof import('node:worker_threads');

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
  readonly #port: MessagePort;
  readonly #receive: (port: MessagePort) => { message: Uint8Array } | undefined;
  readonly #waiting: Waiting[] = [];
  readonly #idle: NodeJS.Timeout;

  constructor({ Worker, MessageChannel, receiveMessageOnPort }: Threads, onEnd: () => void) {
    const { port1, port2 } = new MessageChannel();
    const worker: Worker = new Worker(PROGRAM, {
      eval: true,
      name: 'securestore-digest',
      workerData: port2,
      transferList: [port2],
      // It needs nothing of this process, least of all its secrets.
      env: {},
      execArgv: [],
      resourceLimits: { maxOldGenerationSizeMb: 16, maxYoungGenerationSizeMb: 2 },
    });
    this.#port = port1;
    this.#receive = receiveMessageOnPort;
    this.#idle = setTimeout(() => void worker.terminate(), IDLE);
    this.#idle.unref();
    worker.unref();
    port1.on('message', (digest: Uint8Array) => this.#settle(digest));
    port1.unref();
    worker.on('error', () => undefined);
    worker.on('exit', () => {
      onEnd();
      clearTimeout(this.#idle);
      this.#collect();
      port1.close();
      // Blocks that the thread had not hashed when it ended are hashed here.
      for (const { key, block, settle } of this.#waiting.splice(0)) settle(hmacHere(key, block));
    });
  }

  get isBusy(): boolean {
    this.#collect();
    return this.#waiting.length >= MAX_WAITING;
  }

  hash(key: KeyObject, block: Uint8Array): Promise<Buffer> {
    return new Promise((settle) => {
      // The process must not end before the answer has come.
      if (this.#waiting.length === 0) this.#port.ref();
      this.#waiting.push({ key, block, settle });
      this.#port.postMessage({ key, block }, []);
      // A long payload may leave no moment in which nothing waits.
      this.#idle.refresh();
    });
  }

  /** Takes in the answers that have come: a caller whose backend answers at once leaves the event loop no turn to do so. */
  #collect(): void {
    for (let got = this.#receive(this.#port); got !== undefined; got = this.#receive(this.#port))
      this.#settle(got.message);
  }

  #settle(digest: Uint8Array): void {
    this.#waiting.shift()?.settle(Buffer.from(digest));
    if (this.#waiting.length === 0) this.#port.unref();
  }
}

let thread: HashThread | undefined;
let isStarting = false;

async function start(): Promise<void> {
  try {
    const threads: Threads = await import('node:worker_threads');
    thread = new HashThread(threads, () => {
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
export const isShared = ({ buffer }: Uint8Array): boolean => buffer instanceof SharedArrayBuffer;

/**
 * HMAC-SHA-256 of a block, by another thread if that is free and the block is in shared memory. Then the block must stay
 * unchanged until the promise resolves.
 */
export function hmacBlock(key: KeyObject, block: Uint8Array): Promise<Buffer> | Buffer {
  return thread === undefined || thread.isBusy || !isShared(block) ? hmacHere(key, block) : thread.hash(key, block);
}
