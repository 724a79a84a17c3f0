import type { PendingEntry, RecordHeader } from '@securestore/core-format';
import {
  encodeBase32,
  historyPrefix,
  historyVersion,
  objectName,
  SecureStoreError,
  splitRecord,
} from '@securestore/core-format';
import type { Engine } from '../engine/engine.ts';
import { mapConcurrently } from '../util/map-concurrently.ts';
import { openOfToken } from '../record/stable-read.ts';
import { openByToken } from '../record/open-record.ts';
import type { JournalFinding } from './alarms.ts';
import { damaged } from './alarms.ts';
import { isForged } from '../engine/sealed-objects.ts';
import { entriesUnder } from '../util/listing.ts';

const CONCURRENT_READS = 32;

/** A commit that took effect. */
export interface Change {
  readonly token: string;
  readonly header: RecordHeader;
  /** The record, which was opened and found genuine. */
  readonly record: Uint8Array;
  /** Where it lay when it was read: under `o/` or `h/`. */
  readonly name: string;
  /**
   * When it was announced first, by the backend's clock, in milliseconds since 1970: whoever was told that it is done was told later.
   * Absent if nobody has announced it, or if it was not found by that.
   */
  readonly announced?: number;
}

/** A hint whose commit is looked for. */
export interface ExpectedEntry extends PendingEntry {
  /** When it was announced first; `written` if that is not there. */
  readonly announced?: number;
}

/** A record that was looked at; `destroyed` for one that nobody can open any more, since its key was. */
export type Looked =
  | {
      readonly header: RecordHeader;
      /** Whether it lies under a key version that has been replaced, as far as that is known. */
      readonly replaced: boolean;
    }
  | 'damaged'
  | 'destroyed';

/**
 * Opens a record, to see that it is genuine. What a member was not granted it can't open: of that it sees whether it says to be what
 * belongs there.
 */
export async function lookAt(engine: Engine, token: string, body: Uint8Array, signal?: AbortSignal): Promise<Looked> {
  try {
    const { header, key } = await openOfToken(engine, openByToken, token, body, signal);
    return { header, replaced: key.state !== 'primary' };
  } catch (error) {
    if (isForged(error)) return 'damaged';
    if (SecureStoreError.is(error, 'KEY_DESTROYED')) return 'destroyed';
    if (!SecureStoreError.is(error, 'ACCESS_DENIED')) throw error;
    return { header: splitRecord(body).header, replaced: false };
  }
}

/** What became of some hints. */
export interface Resolved {
  /** By token, of each the oldest version first. */
  readonly changes: Change[];
  /** Those without a commit so far, and those whose record is still to be brought under the primary key version. */
  readonly pending: PendingEntry[];
  readonly alarms: JournalFinding[];
}

/** How hints are resolved. */
export interface ResolveOptions {
  /** The head generation from which on every commit is announced. */
  readonly since: number;
  /** Commits, in base32, that were looked for before. */
  readonly lookedFor: ReadonlySet<string>;
  readonly signal?: AbortSignal | undefined;
}

/** What became of the hints of one object. */
class TokenResolver {
  readonly changes: Change[] = [];
  readonly alarms: JournalFinding[] = [];
  readonly #engine: Engine;
  readonly #token: string;
  readonly #signal: AbortSignal | undefined;
  readonly #since: number;
  readonly #lookedFor: ReadonlySet<string>;
  readonly #open: Map<string, ExpectedEntry>;
  /** Found under a key version that has been replaced: the hint may be of a rewrite that is still to come. */
  readonly #replaced: PendingEntry[] = [];

  constructor(engine: Engine, token: string, entries: readonly ExpectedEntry[], options: ResolveOptions) {
    const { since, lookedFor, signal } = options;
    this.#engine = engine;
    this.#token = token;
    this.#since = since;
    this.#lookedFor = lookedFor;
    this.#signal = signal;
    this.#open = new Map(entries.map((entry) => [encodeBase32(entry.commitId), entry]));
  }

  async resolve(): Promise<PendingEntry[]> {
    await this.#look(objectName(this.#token));
    if (this.#open.size > 0) {
      const from = this.#copiedFrom();
      const past = entriesUnder(this.#engine.backend, historyPrefix(this.#token), { signal: this.#signal });
      for await (const { key, modified } of past) if (modified >= from && this.#open.size > 0) await this.#look(key);
    }
    this.changes.sort((a, b) => a.header.version - b.header.version);
    return [...this.#open.values(), ...this.#replaced];
  }

  /**
   * Since when copies in the history may be of what is looked for. A commit that was announced only after it, late, may
   * have been replaced long before; it is there when its hint is, and so it is found by the first look. All others are
   * copied after their hints.
   */
  #copiedFrom(): number {
    if (this.#open.keys().some((commit) => !this.#lookedFor.has(commit))) return 0;
    const { clockSkew, modifiedResolution } = this.#engine.backend.capabilities;
    return Math.min(...Array.from(this.#open.values(), ({ written }) => written)) - clockSkew - modifiedResolution;
  }

  async #look(name: string): Promise<void> {
    const found = await this.#engine.backend.read(name, { signal: this.#signal });
    if (found === undefined) return;
    const header = this.#headerOf(found.body);
    const id = header && encodeBase32(header.commitId);
    if (header !== undefined && id !== undefined && !this.#open.has(id) && !this.#isLate(name, header)) return;
    const looked =
      header !== undefined && this.#belongs(name, header)
        ? await lookAt(this.#engine, this.#token, found.body, this.#signal)
        : 'damaged';
    if (looked === 'damaged') this.alarms.push(damaged('damaged-record', name));
    else if (id !== undefined) {
      const entry = this.#open.get(id);
      this.#open.delete(id);
      if (looked !== 'destroyed') {
        if (entry !== undefined && looked.replaced) this.#replaced.push(entry);
        const announced = entry && (entry.announced ?? entry.written);
        const change = { token: this.#token, header: looked.header, record: found.body, name };
        this.changes.push(announced === undefined ? change : { ...change, announced });
      }
    }
  }

  /**
   * Whether a current record was prepared before the journal was on: it may have landed late, in the place of what was
   * announced, and nobody announces it if its process has died.
   */
  #isLate(name: string, { generation }: RecordHeader): boolean {
    return generation < this.#since && name === objectName(this.#token);
  }

  #headerOf(body: Uint8Array): RecordHeader | undefined {
    try {
      return splitRecord(body).header;
    } catch (error) {
      if (isForged(error)) return undefined;
      throw error;
    }
  }

  /** A record of the history must be the version that its name says. */
  #belongs(name: string, { version }: RecordHeader): boolean {
    const prefix = historyPrefix(this.#token);
    return !name.startsWith(prefix) || historyVersion(prefix, name) === version;
  }
}

/**
 * Looks for the commits that hints announced: in the current record and, if that is another one by now, in the
 * history.
 */
export async function resolveHints(
  engine: Engine,
  entries: Iterable<ExpectedEntry>,
  options: ResolveOptions,
): Promise<Resolved> {
  const byToken = Map.groupBy(entries, ({ token }) => token);
  const resolved: Resolved = { changes: [], pending: [], alarms: [] };
  const resolveToken = async ([token, of]: [string, ExpectedEntry[]]): Promise<void> => {
    const resolver = new TokenResolver(engine, token, of, options);
    const pending = await resolver.resolve();
    resolved.pending.push(...pending);
    resolved.changes.push(...resolver.changes);
    resolved.alarms.push(...resolver.alarms);
  };
  for await (const _ of mapConcurrently(byToken, CONCURRENT_READS, resolveToken));
  return resolved;
}
