import type { Action } from './actions.ts';
import type { Attempt, Decision, Subject } from './decide.ts';

/** The most decisions that are remembered for one subject. */
const MAX_DECISIONS = 8192;

/** How often a decision was remembered. */
export interface CacheFigures {
  readonly hits: number;
  readonly misses: number;
}

/**
 * Remembers what was decided for one subject under one policy and one map of categories: it lives as long as both are the
 * newest ones, and is thrown away with them. What expires is looked at with every hit.
 */
export class PermissionCache implements Subject {
  readonly principal: Subject['principal'];
  readonly #subject: Subject;
  readonly #categoryOf: (key: string) => string;
  /** By action, then by key. When one half is full, the other, older one is forgotten. */
  #young = new Map<Action, Map<string, Decision>>();
  #old = new Map<Action, Map<string, Decision>>();
  #size = 0;
  #hits = 0;
  #misses = 0;

  /** @param categoryOf the category of a key, which is asked for only when nothing is remembered */
  constructor(subject: Subject, categoryOf: (key: string) => string) {
    this.principal = subject.principal;
    this.#subject = subject;
    this.#categoryOf = categoryOf;
  }

  get figures(): CacheFigures {
    return { hits: this.#hits, misses: this.#misses };
  }

  decide({ action, key }: Omit<Attempt, 'category'>, now: number): Decision {
    // No key is empty, so the empty one stands for the whole store.
    const name = key ?? '';
    const young = this.#young.get(action)?.get(name);
    const found = young ?? this.#old.get(action)?.get(name);
    if (found !== undefined && now >= found.since && now < found.until) {
      this.#hits += 1;
      if (young === undefined) this.#keep(action, name, found);
      return found;
    }
    this.#misses += 1;
    const category = key === undefined ? undefined : this.#categoryOf(key);
    const decision = this.#subject.decide({ action, key, category }, now);
    this.#keep(action, name, decision);
    return decision;
  }

  #keep(action: Action, name: string, decision: Decision): void {
    if (this.#size >= MAX_DECISIONS / 2) {
      this.#old = this.#young;
      this.#young = new Map();
      this.#size = 0;
    }
    let decisions = this.#young.get(action);
    if (decisions === undefined) this.#young.set(action, (decisions = new Map()));
    if (!decisions.has(name)) this.#size += 1;
    decisions.set(name, decision);
  }
}
