import type { KeyObject } from 'node:crypto';
import { parseStoreKey } from '@securestore/core-format';
import type { Clock } from '@securestore/jobs';
import type { Engine } from './engine.ts';
import { changeHead } from './head-change.ts';
import type { HeadPlan } from './head-plan.ts';
import type { OpenCalls } from './open-calls.ts';
import { checkOwner, ownerKeys } from './owner.ts';
import type { CallOptions } from './types.ts';

const NO_OPTIONS: ReadonlySet<string> = new Set();

/**
 * Who may do what with the store, as bytes that the engine keeps and does not understand: `@securestore/acl` does. They are
 * sealed, and the signed head names them, so that every change is one change of the head.
 */
export class PolicyObject {
  readonly #engine: Engine;
  readonly #calls: OpenCalls;

  constructor(engine: Engine, calls: OpenCalls) {
    this.#engine = engine;
    this.#calls = calls;
  }

  /**
   * As it is known now, the caller's to leave unchanged; `undefined` where there never was one. The same as long as nothing changes.
   *
   * @throws SecureStoreError `ACCESS_DENIED` where the store was opened by a member, who can't read it
   */
  get current(): Uint8Array | undefined {
    const { state } = this.#engine.watcher;
    checkOwner(state);
    return state.policy;
  }

  /** The generation of the head that is known: with every change of keys, policy or settings it grows. */
  get generation(): number {
    return this.#engine.watcher.state.head.generation;
  }

  get clock(): Clock {
    return this.#engine.clock;
  }

  /**
   * Makes sure that {@link current} is not older than five seconds. `undefined` where that is so; else a promise to await.
   *
   * @throws SecureStoreError `UNAVAILABLE` where the head of the store can't be confirmed or the store has been closed,
   *   `ROLLBACK`, `INTEGRITY`
   */
  confirm(signal?: AbortSignal): Promise<void> | undefined {
    this.#calls.checkOpen();
    return this.#engine.watcher.acknowledge(signal);
  }

  /** Looks for a newer one. @throws as {@link confirm} */
  async refresh(signal?: AbortSignal): Promise<void> {
    this.#calls.checkOpen();
    await this.#engine.watcher.refresh(signal);
  }

  /**
   * The key under which API tokens are hashed. It is the same for as long as the store lives.
   *
   * @throws SecureStoreError `ACCESS_DENIED` where the store was opened by a member
   */
  get tokenKey(): KeyObject {
    return ownerKeys(this.#engine.watcher.state).apiTokens;
  }

  random(length: number): Uint8Array {
    return this.#engine.random(length);
  }

  /** The names of the categories of the store. */
  get categories(): readonly string[] {
    return this.#engine.watcher.state.categories.names;
  }

  /** The name of the category that an object of this name belongs to. @throws SecureStoreError `INVALID_KEY` */
  categoryOf(key: string): string {
    const { categories } = this.#engine.watcher.state;
    return categories.nameOf(categories.idOf(parseStoreKey(key)));
  }

  /**
   * Replaces it. In this process that counts at once, in the others within five seconds.
   *
   * @param operation what this is called in errors
   * @param next is given what there is, and is asked anew where another change comes first; `undefined` where nothing is to
   *   be changed
   * @returns whether it was
   * @throws SecureStoreError what `next` throws, `CONFLICT` where others come first again and again, `LOCKED`
   */
  change(
    operation: string,
    next: (current: Uint8Array | undefined) => Uint8Array | undefined,
    options?: CallOptions,
  ): Promise<boolean> {
    const plan = (current: Uint8Array | undefined): HeadPlan | undefined => {
      const policy = next(current);
      return policy === undefined ? undefined : { policy };
    };
    return this.#calls.administrative(operation, options, NO_OPTIONS, (signal) =>
      changeHead(this.#engine, async ({ policy }) => plan(policy), signal),
    );
  }
}
