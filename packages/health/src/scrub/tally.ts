import { isBackendKeyPrefix } from '@securestore/backend-api';
import type { PassCounts, ForeignObject } from '@securestore/objects';
import { isCount } from '@securestore/jobs';
import type { ScrubFinding } from './types.ts';

const MAX_LISTED = 1000;
/** Of findings in a cursor, which has at most 40 KiB. */
const MAX_CURSOR_BYTES = 24 * 1024;

const NOTHING: PassCounts = { objects: 0, deleted: 0, versions: 0, blobs: 0, parts: 0, bytes: 0, unreadable: 0 };
const NAMES = Object.keys(NOTHING) as (keyof PassCounts)[];

/** How a scrub is to go, as far as whoever goes on with it needs to know. */
export interface Pace {
  readonly rate?: number;
  readonly within?: number;
  readonly payloads: boolean;
}

/** From where the next run goes on: no names but those at the backend. */
interface Cursor {
  readonly position?: string;
  readonly started: number;
  /** How long earlier runs took, in milliseconds. */
  readonly took: number;
  readonly pace: Pace;
  readonly counts: PassCounts;
  readonly found: number;
  readonly repaired: number;
  readonly strays: number;
  readonly findings: readonly ScrubFinding[];
}

function added(a: PassCounts, b: PassCounts): PassCounts {
  return Object.fromEntries(NAMES.map((name) => [name, a[name] + b[name]])) as unknown as PassCounts;
}

const isAmount = (value: unknown): boolean => value === undefined || (typeof value === 'number' && value > 0);

/** What the job of this release has saved; `undefined` for anything else, and then the pass begins anew. */
function parse(value: unknown): Cursor | undefined {
  const cursor = (value ?? {}) as Partial<Cursor>;
  const { position, started, pace, counts, found, repaired, strays, findings } = cursor;
  // Members can seal another one, and what no backend lists after would end every pass.
  if (position !== undefined && !isBackendKeyPrefix(position)) return undefined;
  if (![started, found, repaired, strays].every(isCount) || !Array.isArray(findings)) return undefined;
  if (typeof counts !== 'object' || !NAMES.every((name) => isCount(counts[name]))) return undefined;
  if (typeof pace?.payloads !== 'boolean' || !isAmount(pace.rate) || !isAmount(pace.within)) return undefined;
  // Cursors of earlier releases don't say it.
  return { ...(cursor as Cursor), took: isCount(cursor.took) ? cursor.took : 0 };
}

/** Counts a pass, over all its parts. */
export class Tally {
  readonly started: number;
  readonly pace: Pace;
  readonly position: string | undefined;
  readonly findings: ScrubFinding[];
  readonly strays: ForeignObject[] = [];
  found: number;
  repaired: number;
  strayCount: number;
  readonly #before: PassCounts;
  readonly #tookBefore: number;
  /** When this run began, in milliseconds since 1970. */
  readonly #begun: number;
  readonly #known: Set<string>;

  /**
   * @param saved what {@link cursor} gave an earlier run
   * @param pace of a new pass, and in the place of what an earlier run had; by default that
   * @param now milliseconds since 1970
   */
  constructor(saved: unknown, pace: Pace | undefined, now: number) {
    const cursor = parse(saved);
    this.started = cursor?.started ?? now;
    this.#tookBefore = cursor?.took ?? 0;
    this.#begun = now;
    this.pace = pace ?? cursor?.pace ?? { payloads: true };
    this.position = cursor?.position;
    this.findings = [...(cursor?.findings ?? [])];
    this.found = cursor?.found ?? 0;
    this.repaired = cursor?.repaired ?? 0;
    this.strayCount = cursor?.strays ?? 0;
    this.#before = cursor?.counts ?? NOTHING;
    this.#known = new Set(this.findings.map(({ kind, name }) => `${kind} ${name}`));
  }

  /** Whether something was found in this pass. */
  isKnown({ kind, name }: Pick<ScrubFinding, 'kind' | 'name'>): boolean {
    return this.#known.has(`${kind} ${name}`);
  }

  /** @returns those that were not told before: what concerns the whole store is found by every part of a pass */
  add(findings: readonly ScrubFinding[]): ScrubFinding[] {
    const news = findings.filter((finding) => !this.isKnown(finding));
    for (const finding of news) {
      this.found += 1;
      if (finding.repaired) this.repaired += 1;
      if (this.findings.length >= MAX_LISTED) continue;
      this.findings.push(finding);
      this.#known.add(`${finding.kind} ${finding.name}`);
    }
    return news;
  }

  addStray(stray: ForeignObject): void {
    this.strayCount += 1;
    if (this.strays.length < MAX_LISTED) this.strays.push(stray);
  }

  /** What was looked at in all, by what this run has looked at. */
  counts(run: PassCounts): PassCounts {
    return added(this.#before, run);
  }

  /** Objects that earlier runs have looked at. */
  get doneBefore(): number {
    return this.#before.objects + this.#before.deleted;
  }

  /** How long all runs have taken, in milliseconds. */
  took(now: number): number {
    return this.#tookBefore + Math.max(0, Math.round(now - this.#begun));
  }

  cursor(position: string, run: PassCounts, now: number): Cursor {
    const findings: ScrubFinding[] = [];
    let left = MAX_CURSOR_BYTES;
    for (const { key: _, ...finding } of this.findings) {
      left -= Buffer.byteLength(JSON.stringify(finding));
      if (left < 0) break;
      findings.push(finding);
    }
    const { started, pace, found, repaired, strayCount: strays } = this;
    return {
      position,
      started,
      took: this.took(now),
      pace,
      counts: this.counts(run),
      found,
      repaired,
      strays,
      findings,
    };
  }
}
