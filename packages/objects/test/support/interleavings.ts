import { createHash } from 'node:crypto';
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { StorageBackend } from '@securestore/backend-api';
import { forwardTo } from '@securestore/backend-api';
import { SecureStoreError } from '@securestore/core-format';

/** A call of one actor that waits for its turn. */
interface Waiting {
  readonly isMarkerWrite: boolean;
  /** Lets it happen, and the actor go on. */
  readonly go: () => Promise<void>;
  /** Tells the actor that it isn't known, and returns what happens later. */
  readonly loseSight: () => () => Promise<void>;
}

/** What one actor is about to do, and what it has seen. */
class Gate {
  readonly queue: Waiting[] = [];
  readonly seen = createHash('sha256');
  finished = false;
  crashed = false;

  /** A backend of which every call waits for its turn; the head is not raced for. */
  around(inner: StorageBackend): StorageBackend {
    const gated = <T>(key: string, write: boolean, run: () => Promise<T>, tell: (result: T) => string): Promise<T> => {
      if (key === 'store') return run();
      const { promise, resolve, reject } = Promise.withResolvers<T>();
      const go = async (): Promise<void> => {
        try {
          const result = await run();
          this.seen.update(`${key} ${tell(result)}\n`);
          resolve(result);
        } catch (error) {
          this.seen.update(`${key} ${SecureStoreError.is(error) ? error.code : 'failed'}\n`);
          reject(error instanceof Error ? error : new Error('failed', { cause: error }));
        }
      };
      const loseSight = (): (() => Promise<void>) => {
        this.seen.update(`${key} unknown\n`);
        reject(new SecureStoreError('TIMEOUT', 'no answer', { outcome: 'unknown' }));
        return async () => void (await run().catch(() => undefined));
      };
      this.queue.push({ isMarkerWrite: write && key.startsWith('g/'), go, loseSight });
      return promise;
    };
    const hasBatch = inner.batch !== undefined;
    return {
      ...forwardTo(inner, {
        read: (key, options) =>
          gated(
            key,
            false,
            () => inner.read(key, options),
            (found) => digestOf(found?.body ?? Buffer.from('none')),
          ),
        write: (key, body, options) => {
          const copy = Buffer.from(body);
          return gated(
            key,
            true,
            () => inner.write(key, copy, options),
            () => 'ok',
          );
        },
        delete: (key, options) =>
          gated(
            key,
            false,
            () => inner.delete(key, options),
            () => 'ok',
          ),
        list: (prefix, options) =>
          gated(
            prefix,
            false,
            () => inner.list(prefix, options),
            ({ entries }) => entries.map(({ key }) => key).join(),
          ),
        deleteMany: (keys) =>
          gated(
            keys.join(),
            false,
            async () => inner.deleteMany?.(keys),
            () => 'ok',
          ),
      }),
      ...(hasBatch
        ? {
            batch: (operations) => {
              const copies = operations.map((operation) =>
                operation.type === 'write' ? { ...operation, body: Buffer.from(operation.body) } : operation,
              );
              const keys = operations.map(({ key }) => key).join();
              return gated(
                keys,
                false,
                () => inner.batch?.(copies) ?? Promise.resolve([]),
                () => 'ok',
              );
            },
          }
        : {}),
    };
  }
}

function digestOf(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('base64');
}

/** A state from which actors start, made anew for every order of their calls. */
export interface Scene {
  readonly backend: StorageBackend;
  /** What each actor does with the backend that it is given. A rejection counts as an end like any other. */
  readonly actors: readonly ((backend: StorageBackend) => Promise<unknown>)[];
  /** Lets some time pass, for an actor that sleeps. */
  readonly tick: () => void;
  /** Called when all have ended, once for each state that they leave; throws where something is wrong. */
  readonly check: () => Promise<void>;
}

export interface Rules {
  /** How often an actor may be stopped for ever. */
  readonly crashes?: number;
  /** How often the write of a marker may seem to fail, and take place at any time after that. */
  readonly lateWrites?: number;
}

type Choice = { readonly kind: 'go' | 'crash' | 'lose' | 'land'; readonly actor: number };

async function contentsOf(backend: StorageBackend): Promise<string> {
  const hash = createHash('sha256');
  for (const { key } of (await backend.list('')).entries) {
    // Parts are written once, and by nobody here.
    if (key.startsWith('b/')) hash.update(`${key}\n`);
    else if (key !== 'store') hash.update(`${key} ${digestOf((await backend.read(key))?.body ?? Buffer.alloc(0))}\n`);
  }
  return hash.digest('base64');
}

/** Waits until every actor waits for its turn or has ended. */
async function quiet(gates: readonly Gate[], tick: () => void): Promise<void> {
  for (let turns = 0; turns < 1000; turns++) {
    await nextTurn();
    if (gates.every(({ queue, finished, crashed }) => queue.length > 0 || finished || crashed)) return;
    tick();
  }
  throw new Error('an actor waits for something that is no call of the backend');
}

/** One order of calls under way. */
class Run {
  readonly #scene: Scene;
  readonly #gates: readonly Gate[];
  readonly #rules: Rules;
  readonly #landing: (() => Promise<void>)[] = [];
  #crashes = 0;
  #lost = 0;

  constructor(scene: Scene, rules: Rules) {
    this.#scene = scene;
    this.#rules = rules;
    this.#gates = scene.actors.map((act) => {
      const gate = new Gate();
      const end = (): void => void (gate.finished = true);
      act(gate.around(scene.backend)).then(end, end);
      return gate;
    });
  }

  /** What may happen next; nothing where all have ended. */
  async choices(): Promise<Choice[]> {
    await quiet(this.#gates, this.#scene.tick);
    const choices: Choice[] = [];
    for (const [actor, { queue, finished, crashed }] of this.#gates.entries()) {
      const next = queue[0];
      if (finished || crashed || next === undefined) continue;
      choices.push({ kind: 'go', actor });
      if (this.#crashes < (this.#rules.crashes ?? 0)) choices.push({ kind: 'crash', actor });
      if (next.isMarkerWrite && this.#lost < (this.#rules.lateWrites ?? 0)) choices.push({ kind: 'lose', actor });
    }
    for (const actor of this.#landing.keys()) choices.push({ kind: 'land', actor });
    return choices;
  }

  async take({ kind, actor }: Choice): Promise<void> {
    if (kind === 'land') {
      const [land] = this.#landing.splice(actor, 1);
      await land?.();
      return;
    }
    const gate = this.#gates[actor];
    if (gate === undefined) throw new Error('no such actor');
    if (kind === 'crash') {
      gate.crashed = true;
      this.#crashes += 1;
      return;
    }
    const next = gate.queue.shift();
    if (kind === 'go') {
      await next?.go();
      return;
    }
    this.#lost += 1;
    const land = next?.loseSight();
    if (land !== undefined) this.#landing.push(land);
  }

  /** What tells two situations apart: what lies at the backend, and what everybody knows. */
  async key(): Promise<string> {
    const known = this.#gates.map(({ seen, crashed }) => `${seen.copy().digest('base64')}${crashed}`);
    return `${known.join()} ${this.#landing.length} ${this.#lost} ${await contentsOf(this.#scene.backend)}`;
  }

  /** @param checked the states that need no check any more */
  async check(checked: Set<string>): Promise<void> {
    const contents = await contentsOf(this.#scene.backend);
    if (checked.has(contents)) return;
    checked.add(contents);
    await this.#scene.check();
  }
}

/**
 * Runs actors in every order in which their calls of the backend can happen. Orders that lead to one situation are
 * followed once. @returns how many ended
 */
export async function everyInterleaving(make: () => Promise<Scene>, rules: Rules = {}): Promise<number> {
  const seen = new Set<string>();
  const checked = new Set<string>();
  const pending: (readonly number[])[] = [[]];
  let ended = 0;
  for (let prefix = pending.pop(); prefix !== undefined; prefix = pending.pop()) {
    const run = new Run(await make(), rules);
    const path: number[] = [];
    const story: string[] = [];
    for (let pruned = false; !pruned;) {
      const choices = await run.choices();
      if (choices.length === 0) {
        ended += 1;
        try {
          await run.check(checked);
        } catch (error) {
          throw new Error(`after ${story.join(' ')}`, { cause: error });
        }
        break;
      }
      const given = prefix[path.length];
      if (given === undefined) {
        for (let other = 1; other < choices.length; other++) pending.push([...path, other]);
      }
      const choice = choices[given ?? 0];
      if (choice === undefined) throw new Error('the actors do not do the same every time');
      path.push(given ?? 0);
      story.push(`${choice.kind}:${choice.actor}`);
      await run.take(choice);
      if (path.length < prefix.length) continue;
      await nextTurn();
      const key = await run.key();
      pruned = seen.has(key);
      seen.add(key);
    }
  }
  return ended;
}
