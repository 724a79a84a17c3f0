import type { CheckpointEntry, CheckpointRoot, SecureStoreError } from '@securestore/core-format';
import { isDamage } from '@securestore/core-format';
import type { Engine } from '../engine/engine.ts';
import type { LoadedCheckpoint } from './load.ts';
import { checkpointOf, loadCheckpoint, pageOf, readPage, sameCheckpoint } from './load.ts';

/** Called with what is wrong with the checkpoint itself. */
export type OnDamaged = (error: SecureStoreError) => void;

/** What a checkpoint says of one name. */
export interface Expectation {
  readonly entry: CheckpointEntry | undefined;
  /** `undefined` if nothing is known of names without an entry. */
  readonly floor: number | undefined;
}

const NOTHING: Expectation = { entry: undefined, floor: undefined };

/**
 * What the store is held against: the newest checkpoint, also if it is replaced meanwhile. Parts of it that are damaged
 * say nothing.
 */
export class Baseline {
  readonly #engine: Engine;
  readonly #onDamaged: OnDamaged;
  readonly #signal: AbortSignal | undefined;
  #current: LoadedCheckpoint | undefined;
  /** Pages that can't be read, by the first token of each. */
  readonly #gaps = new Set<string>();
  /** The page that was read last: names are asked for in the order of their tokens. */
  #last: { readonly of: LoadedCheckpoint; readonly index: number; readonly entries: CheckpointEntry[] } | undefined;

  private constructor(engine: Engine, onDamaged: OnDamaged, signal: AbortSignal | undefined) {
    this.#engine = engine;
    this.#onDamaged = onDamaged;
    this.#signal = signal;
  }

  /** @throws SecureStoreError what the backend throws */
  static async load(engine: Engine, onDamaged: OnDamaged, signal: AbortSignal | undefined): Promise<Baseline> {
    const baseline = new Baseline(engine, onDamaged, signal);
    await baseline.#reload();
    return baseline;
  }

  get root(): CheckpointRoot | undefined {
    return this.#current?.root;
  }

  async #reload(): Promise<void> {
    this.#gaps.clear();
    try {
      this.#current = await loadCheckpoint(this.#engine, this.#signal);
    } catch (error) {
      if (!isDamage(error)) throw error;
      this.#current = undefined;
      this.#onDamaged(error);
    }
  }

  /** Follows the head. @returns whether another checkpoint counts now, or none */
  async follow(): Promise<boolean> {
    await this.#engine.monitor.refresh(this.#signal);
    const named = checkpointOf(this.#engine.monitor.state.head);
    if (this.#current === undefined || sameCheckpoint(named, this.#current)) return false;
    await this.#reload();
    return true;
  }

  /** Page `index`; `undefined` if it is damaged, `'replaced'` if it is one of a checkpoint that counts no more. */
  async #page(index: number): Promise<CheckpointEntry[] | undefined | 'replaced'> {
    const current = this.#current;
    if (current === undefined) return undefined;
    if (this.#last?.of === current && this.#last.index === index) return this.#last.entries;
    try {
      const entries = await readPage(this.#engine, current, index, this.#signal);
      this.#last = { of: current, index, entries };
      return entries;
    } catch (error) {
      if (!isDamage(error)) throw error;
      // The pages of an older checkpoint are removed.
      if (await this.follow()) return 'replaced';
      const firstToken = current.root.pages[index]?.firstToken ?? '';
      if (!this.#gaps.has(firstToken)) this.#onDamaged(error);
      this.#gaps.add(firstToken);
      return undefined;
    }
  }

  /** All entries in the order of their tokens, after `after` if that is given. */
  async *entries(after = ''): AsyncGenerator<CheckpointEntry> {
    let last = after;
    for (let index = 0; index < (this.#current?.root.pages.length ?? 0);) {
      const next = this.#current?.root.pages[index + 1]?.firstToken;
      const page = next !== undefined && next <= last ? undefined : await this.#page(index);
      if (page === 'replaced') {
        index = 0;
        continue;
      }
      for (const entry of page ?? []) {
        if (entry.token <= last) continue;
        last = entry.token;
        yield entry;
      }
      index += 1;
    }
  }

  /** What is expected of a name whose entry, if there is one, is at hand. */
  expect(token: string, entry: CheckpointEntry | undefined): Expectation {
    const root = this.#current?.root;
    if (root === undefined) return NOTHING;
    if (entry !== undefined) return { entry, floor: root.floor };
    const page = root.pages[pageOf(root, token) ?? 0];
    return page !== undefined && this.#gaps.has(page.firstToken) ? NOTHING : { entry, floor: root.floor };
  }

  /** What the checkpoint says of one name. */
  async lookUp(token: string): Promise<Expectation> {
    for (;;) {
      const root = this.#current?.root;
      const index = root && pageOf(root, token);
      if (index === undefined) return this.expect(token, undefined);
      const page = await this.#page(index);
      if (page === 'replaced') continue;
      return this.expect(
        token,
        page?.find((entry) => entry.token === token),
      );
    }
  }
}
