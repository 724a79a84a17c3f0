import { asBuffer, BACKUP_AREAS } from '@securestore/core-format';
import { isUndecided } from '@securestore/jobs';
import type { BackupArea } from '@securestore/objects/internal';
import { rememberIfPossible } from '../../repository/destination-state.ts';
import { withRetries } from '../../repository/errors.ts';
import { openState } from '../../repository/run-state-files.ts';
import type { ScrubProgress } from './scrub-progress.ts';
import { allChecked, checkedSince, decodeChecked, encodeChecked, nothingChecked } from './scrub-progress.ts';

const MAX_TRIES = 5;
/** Binds what is sealed to what it is; no file has this name. */
const CONTEXT = `${BACKUP_AREAS.work}verified`;

/**
 * What of a destination was checked when. It lies in the store, where every member can write, and is sealed with the keys of backups, too:
 * who doesn't have those of now can only remove it or put back what it was before, so that more is checked.
 */
export class ScrubState {
  readonly #area: BackupArea;
  readonly #destination: Uint8Array;
  readonly #label: string;

  constructor(area: BackupArea, destination: Uint8Array) {
    this.#area = area;
    this.#destination = destination;
    this.#label = `verified ${asBuffer(destination).toString('hex')}`;
  }

  async #load(signal?: AbortSignal): Promise<{ readonly checked: ScrubProgress | undefined; readonly etag?: string }> {
    const found = await this.#area.states.read(this.#label, signal);
    if (found === undefined) return { checked: undefined };
    return { etag: found.etag, checked: await this.#opened(found.state, signal) };
  }

  async #opened(value: Uint8Array, signal: AbortSignal | undefined): Promise<ScrubProgress | undefined> {
    const { seals, clock, sealsSince = 0 } = this.#area;
    // A damaged state tells nothing, so that everything is checked again.
    const opened = await openState(seals, this.#destination, CONTEXT, value, signal);
    // A state under a replaced key may be of someone who lost the right to back up: it tells nothing of later times.
    const until = opened?.isOld === true ? Math.min(clock.now(), sealsSince) : clock.now();
    return opened && decodeChecked(opened.plaintext, until);
  }

  /** @throws SecureStoreError `ACCESS_DENIED` without the keys of backups; what the backend throws */
  async read(signal?: AbortSignal): Promise<ScrubProgress> {
    return (await this.#load(signal)).checked ?? nothingChecked(this.#area.clock.now());
  }

  /**
   * Changes what is remembered.
   *
   * @param change asked again if somebody else was faster, or if nobody knows whether it was written
   * @throws SecureStoreError `CONFLICT` if others are faster again and again; what the backend throws
   */
  async change(change: (found: ScrubProgress) => ScrubProgress, signal?: AbortSignal): Promise<void> {
    await withRetries(isUndecided, MAX_TRIES, async () => {
      const { checked, etag } = await this.#load(signal);
      const next = encodeChecked(change(checked ?? nothingChecked(this.#area.clock.now())));
      const body = this.#area.seals.seal('backupWork', this.#destination, CONTEXT, next);
      const condition = etag === undefined ? ({ ifAbsent: true } as const) : { ifMatch: etag };
      await this.#area.states.write(this.#label, body, condition);
    });
  }

  /**
   * When the byte was checked that wasn't for the longest time, in milliseconds since 1970; `undefined` if one never was.
   *
   * @throws as {@link read}
   */
  async since(signal?: AbortSignal): Promise<number | undefined> {
    return checkedSince(await this.read(signal)) || undefined;
  }

  /** Remembers that everything was read and is right, by a run that began then. Who may not remember it has found it all the same. */
  async rememberAll(began: number): Promise<void> {
    await rememberIfPossible(() => this.change((found) => allChecked(began, this.#area.clock.now(), found)));
  }
}
