import type { TrailEntry } from 'securestore';
import { formatTime } from '../terminal/terminal-text.ts';

/** A time without recording; it lasts until now if `to` is missing. */
interface Gap {
  readonly from: number;
  readonly to?: number | undefined;
}

/** Entries about members: of an owner's calls that change them, and of their keys. */
const ABOUT_MEMBERS: ReadonlySet<string> = new Set([
  'member.granted',
  'member.revoked',
  'members.add',
  'members.revoke',
  'members.revokeAll',
]);

const text = (time: number): string => formatTime(new Date(time));

/** Gathers, from entries that were read, which part of a period the log covers. */
export class AuditCoverage {
  #first = Infinity;
  #isWhole = false;
  #isCut = false;
  #hasMembers = false;
  /** When recording was switched on and off. */
  readonly #switches: { readonly time: number; readonly isOn: boolean }[] = [];

  /** Whether an entry that was read shows that the store had members. */
  get hasMembers(): boolean {
    return this.#hasMembers;
  }

  /** @param entries of all actions and objects */
  add(entries: readonly TrailEntry[]): void {
    for (const { time, action, outcome } of entries) {
      this.#first = Math.min(this.#first, time);
      if (outcome !== 'allowed') continue;
      this.#hasMembers ||= ABOUT_MEMBERS.has(action);
      if (action === 'audit.enable' || action === 'audit.disable')
        this.#switches.push({ time, isOn: action === 'audit.enable' });
    }
  }

  /** To be called if no older entries exist. */
  reachedBeginning(): void {
    this.#isWhole = true;
  }

  /** To be called if older entries may exist that cannot be read here. */
  cut(): void {
    this.#isCut = true;
  }

  #gaps(): Gap[] {
    const gaps: Gap[] = [];
    let from: number | undefined;
    for (const { time, isOn } of this.#switches.toSorted((a, b) => a.time - b.time)) {
      if (!isOn) from ??= time;
      else if (from !== undefined) {
        gaps.push({ from, to: time });
        from = undefined;
      }
    }
    return from === undefined ? gaps : [...gaps, { from }];
  }

  /** One line for each part of a period, in milliseconds since 1970, that the log does not cover. */
  lines(since: number, until: number): string[] {
    const lines: string[] = [];
    if (this.#isWhole && !this.#isCut && this.#first > since && this.#first !== Infinity)
      lines.push(`recorded since ${text(this.#first)}`);
    for (const { from, to } of this.#gaps()) {
      if (from >= until || (to ?? Infinity) <= since) continue;
      const end = to === undefined ? 'on' : `to ${text(to)}`;
      lines.push(`not recorded from ${text(from)} ${end}, while the audit log was off, nor changes of members then`);
    }
    return lines;
  }
}
