import { setTimeout as sleep } from 'node:timers/promises';
import type { StorageBackend } from '@securestore/backend-api';
import { SecureStoreError } from '@securestore/core-format';
import { onTestFinished } from 'vitest';
import type { Fault } from '../../../../../tools/services/src/proxy/proxy-link.ts';
import type { Proxy } from '../../../../../tools/services/src/proxy/proxy.ts';
import type { RandomBelow } from '../../../../backend-testkit/src/support/random.ts';
import { settled } from './settled.ts';

const MAX_TRIES = 20;

/** A place where nothing was ever stored. */
interface Place {
  /** Its URL. */
  readonly direct: string;
  /** In front of its server, until the test ends; its `url` is the store URL through it. */
  readonly proxy: Proxy;
  /** What only this place needs of options. */
  readonly options?: Record<string, unknown>;
}

/** How a campaign reaches one provider. */
export interface Provider {
  readonly name: string;
  /** Why there is no server. */
  readonly skip: string | undefined;
  /** What makes the backend give up soon, where things go wrong. */
  readonly impatient: Record<string, unknown>;
  /** Its credentials, where it needs some. */
  readonly options?: Record<string, unknown>;
  create(): StorageBackend;
  place(below: RandomBelow): Promise<Place>;
  /** Where answers may be garbled, if that is another place. */
  readonly garbled?: Pick<Provider, 'skip' | 'place'>;
}

/** A place of one test, and the two ways to it. */
export interface Way {
  readonly proxy: Proxy;
  readonly below: RandomBelow;
  /** A backend that reaches it in this way, closed after the test; it gives up soon unless it is told to be patient. */
  readonly open: (way: 'direct' | 'proxied', patience?: 'patient') => Promise<StorageBackend>;
  readonly provider: Provider;
}

export async function wayTo(provider: Provider, below: RandomBelow): Promise<Way> {
  const { direct, proxy, options } = await provider.place(below);
  const open: Way['open'] = async (way, patience) => {
    const url = way === 'direct' ? direct : proxy.url;
    const limits = way === 'direct' || patience === 'patient' ? {} : provider.impatient;
    for (let tries = 1; ; tries++) {
      const backend = provider.create();
      onTestFinished(async () => backend.close());
      try {
        await backend.init({ url, options: { ...provider.options, ...options, ...limits } });
        return backend;
      } catch (error) {
        // A busy machine takes longer than an impatient backend waits.
        if (tries === MAX_TRIES || !SecureStoreError.is(error) || !error.retryable) throw error;
      }
    }
  };
  return { proxy, below, open, provider };
}

function shuffled<T>(below: RandomBelow, items: readonly T[]): T[] {
  return items
    .map((item) => ({ item, at: below(2 ** 32) }))
    .toSorted((one, other) => one.at - other.at)
    .map(({ item }) => item);
}

/** Lets every one of some faults happen a few times, each for a moment, with calm between them. */
export async function blow({ proxy, below }: Way, faults: readonly Fault[], rounds: number): Promise<void> {
  for (let round = 0; round < rounds; round++) {
    for (const fault of shuffled(below, faults)) {
      proxy.set(fault);
      await sleep(50 + below(150));
      proxy.set();
      await sleep(30 + below(100));
    }
  }
}

/** Runs workers for as long as things go wrong; the first that finds something ends all. */
export async function whileItBlows(
  blowing: Promise<void>,
  workers: (stop: AbortSignal) => Promise<void>[],
): Promise<void> {
  const stop = new AbortController();
  const working = workers(stop.signal).map(async (running) => running.finally(() => stop.abort()));
  try {
    await Promise.all([blowing, ...working.map(async (running) => Promise.race([running, blowing]))]);
  } finally {
    stop.abort();
    await Promise.allSettled([blowing, ...working]);
  }
  await Promise.all(working);
}

/** Waits until a handle reaches its server again, as it must by itself. */
export async function recovered(backend: StorageBackend): Promise<void> {
  for (let tries = 1; ; tries++) {
    const came = await settled('read after the faults', backend.read('nothing'));
    if ('result' in came) return;
    if (tries === 100) throw came.error;
    await sleep(50);
  }
}
