import type { PendingEntry } from '@securestore/core-format';
import { AREAS, encodeBase32, objectName } from '@securestore/core-format';
import type { JournalFinding } from './alarms.ts';
import type { Change } from './resolve-hints.ts';

/** What a full pass has found that is not announced yet: if it still is not when all hints are read, it is an alarm. */
export class UnannouncedChanges {
  /** By their commits, or by their tokens if nothing is there. */
  readonly #alarms = new Map<string, JournalFinding>();

  get size(): number {
    return this.#alarms.size;
  }

  /**
   * Suspects what differs from what is known of an object.
   *
   * @param change `undefined` if nothing is there
   * @param since the generation from which on the journal is kept
   */
  add(token: string, change: Change | undefined, since: number): void {
    const name = objectName(token);
    if (change === undefined) {
      const message = `${name} is missing, and its deletion was not announced`;
      this.#alarms.set(token, { type: 'hidden', name, message });
      return;
    }
    // What was prepared before the journal was on may have landed late, without an acknowledgement.
    if (change.header.generation < since) return;
    const message = `${name} holds a version that was not announced`;
    this.#alarms.set(encodeBase32(change.header.commitId), { type: 'unannounced', name, message });
  }

  /**
   * Takes away what has been announced. That an old version was brought under a new key announces no deletion of its object.
   *
   * @param changes what the hints have led to
   */
  clear(announced: readonly PendingEntry[], changes: readonly Change[]): void {
    const past = new Set<string>();
    for (const { name, header } of changes) if (name.startsWith(AREAS.history)) past.add(encodeBase32(header.commitId));
    for (const { token, commitId } of announced) {
      const commit = encodeBase32(commitId);
      this.#alarms.delete(commit);
      if (!past.has(commit)) this.#alarms.delete(token);
    }
  }

  alarms(): JournalFinding[] {
    return [...this.#alarms.values()];
  }
}
