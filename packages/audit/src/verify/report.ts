import type { AuditLink } from '@securestore/core-format';

/**
 * What is wrong with a log:
 *
 * - `edited`: an entry or a header is not as it was written, or was put there from elsewhere.
 * - `reordered`: entries stand in another order than they were written in.
 * - `duplicated`: an entry is there again, as a copy or as something that takes its number.
 * - `deleted`: entries are missing between others.
 * - `cut`: entries are missing at the end, as a head, or another segment, says.
 * - `spliced`: entries of a segment whose header is not there, or a segment of another store.
 * - `replaced`: a segment is not the one that a head, or another segment, has seen.
 * - `missing`: a whole segment is missing that a head, or another segment, has seen.
 * - `unverifiable`: what can't be checked, because of something else that is wrong, or for want of a key.
 */
export type AuditFindingKind =
  | 'edited'
  | 'reordered'
  | 'duplicated'
  | 'deleted'
  | 'cut'
  | 'spliced'
  | 'replaced'
  | 'missing'
  | 'unverifiable';

export interface AuditFinding {
  readonly kind: AuditFindingKind;
  readonly segment: string;
  /** Of the first entry concerned. */
  readonly sequence?: number;
  /** Of the last one, where there are several. */
  readonly last?: number;
  /** In the lines that were given, from 1. */
  readonly line?: number;
  readonly message: string;
}

export interface SegmentReport {
  readonly segment: string;
  /** Milliseconds since 1970. */
  readonly started: number;
  /** How many of its entries are in their places. */
  readonly entries: number;
  /** Whether its last entry says that its process ended in an orderly way. */
  readonly ended: boolean;
  /** How far it goes: a head to give to a later verification. */
  readonly end: AuditLink;
}

export interface AuditReport {
  /** Whether nothing is wrong. What can't be told all the same is in {@link notes}. */
  readonly ok: boolean;
  readonly findings: readonly AuditFinding[];
  /** What is no proof of anything wrong, such as a line that a crash has torn. */
  readonly notes: readonly string[];
  readonly segments: readonly SegmentReport[];
}

/** More are counted only: a log that is wrong in so many places is not mended one by one. */
const MAX_LISTED = 1000;

/** Collects what is found, in bounded memory. */
export class Findings {
  readonly findings: AuditFinding[] = [];
  readonly notes: string[] = [];
  #unlisted = 0;

  add(kind: AuditFindingKind, segment: string, message: string, where: Partial<AuditFinding> = {}): void {
    if (this.findings.length < MAX_LISTED) this.findings.push({ kind, segment, message, ...where });
    else this.#unlisted++;
  }

  note(text: string): void {
    if (this.notes.length < MAX_LISTED) this.notes.push(text);
    else this.#unlisted++;
  }

  report(segments: readonly SegmentReport[]): AuditReport {
    const notes =
      this.#unlisted === 0 ? this.notes : [...this.notes, `${this.#unlisted} further findings are not listed`];
    return { ok: this.findings.length === 0, findings: this.findings, notes, segments };
  }
}
