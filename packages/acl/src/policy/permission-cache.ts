import { channel } from 'node:diagnostics_channel';
import type { Channel } from 'node:diagnostics_channel';
import type { Action } from '../rules/actions.ts';
import type { Attempt, Decision, Subject } from './decide.ts';

/** The most decisions that are remembered for one subject. */
const MAX_DECISIONS = 8192;

/** The channel of `node:diagnostics_channel` on which each decision is published, for a hit rate and a count of denials. */
export const ACCESS_CHANNEL = 'securestore.access';

/** What subscribers get: neither who asked nor about which object. */
export interface AccessTrace {
  readonly action: Action;
  readonly allowed: boolean;
  /** Whether the decision was remembered. */
  readonly hit: boolean;
}

/** How often a decision was remembered, and how often not. */
export interface CacheFigures {
  readonly hits: number;
  readonly misses: number;
}

/** Counts for something, and for the whole that it is part of. */
export class CacheTally implements CacheFigures {
  hits = 0;
  misses = 0;
  readonly #whole: CacheTally | undefined;

  constructor(whole?: CacheTally) {
    this.#whole = whole;
  }

  hit(): void {
    this.hits += 1;
    this.#whole?.hit();
  }

  miss(): void {
    this.misses += 1;
    this.#whole?.miss();
  }
}

/**
 * Remembers what was decided for one subject under one policy and one map of categories: it lives as long as both are the
 * newest ones, and is thrown away with them. What expires is looked at with every hit.
 */
export class PermissionCache implements Subject {
  readonly principal: Subject['principal'];
  readonly isDisabled: boolean;
  readonly #subject: Subject;
  readonly #categoryOf: (key: string) => string;
  /** By action, then by key. When one half is full, the other, older one is forgotten. */
  #young = new Map<Action, Map<string, Decision>>();
  #old = new Map<Action, Map<string, Decision>>();
  #size = 0;
  readonly #tally: CacheTally;
  readonly #channel: Channel = channel(ACCESS_CHANNEL);

  /**
   * @param categoryOf the category of a key, which is asked for only when nothing is remembered
   * @param tally where it counts, so that the figures of its successors can be added to its own
   */
  constructor(subject: Subject, categoryOf: (key: string) => string, tally: CacheTally = new CacheTally()) {
    this.principal = subject.principal;
    this.isDisabled = subject.isDisabled === true;
    this.#subject = subject;
    this.#categoryOf = categoryOf;
    this.#tally = tally;
  }

  get figures(): CacheFigures {
    const { hits, misses } = this.#tally;
    return { hits, misses };
  }

  decide({ action, key }: Omit<Attempt, 'category'>, now: number): Decision {
    // No key is empty, so the empty one stands for the whole store.
    const name = key ?? '';
    const young = this.#young.get(action)?.get(name);
    const found = young ?? this.#old.get(action)?.get(name);
    if (found !== undefined && now >= found.since && now < found.until) {
      this.#tally.hit();
      if (young === undefined) this.#keep(action, name, found);
      this.#tell({ action, allowed: found.allowed, hit: true });
      return found;
    }
    this.#tally.miss();
    const category = key === undefined ? undefined : this.#categoryOf(key);
    const decision = this.#subject.decide({ action, key, category }, now);
    this.#keep(action, name, decision);
    this.#tell({ action, allowed: decision.allowed, hit: false });
    return decision;
  }

  prefixes(action: Action, now: number): readonly string[] {
    return this.#subject.prefixes?.(action, now) ?? [''];
  }

  #tell(trace: AccessTrace): void {
    if (this.#channel.hasSubscribers) this.#channel.publish(trace);
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
