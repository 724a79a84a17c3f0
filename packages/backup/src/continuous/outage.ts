import { channel } from 'node:diagnostics_channel';
import { SecureStoreError } from '@securestore/core-format';
import type { BackupArea } from '@securestore/objects/internal';

/** The channel of `node:diagnostics_channel` on which continuous backups publish that they fail, resume or end. */
export const CONTINUOUS_CHANNEL = 'securestore.continuous';

/** What is published on {@link CONTINUOUS_CHANNEL}. */
export interface ContinuousMessage {
  /** Of the store, without credentials. */
  readonly url: string;
  readonly destination: string;
  /**
   * `failing`: nothing can be shipped, and it is tried again; `going on`: that is over; `ended`: it has ended by itself, since
   * waiting does not help.
   */
  readonly event: 'failing' | 'resumed' | 'ended';
  /** Why it is failing, or has ended. */
  readonly error?: { readonly code: string; readonly message: string };
}

const follow = channel(CONTINUOUS_CHANNEL);

function publishFollow(message: ContinuousMessage): void {
  if (follow.hasSubscribers) follow.publish(message);
}

const FIRST_RETRY = 500;
const LAST_RETRY = 30_000;

/** Codes that pass, or that an operator can mend, besides those that are retryable: a disk that is not mounted, or full, a missing bucket. */
const PASSING: ReadonlySet<string> = new Set([
  'UNAVAILABLE',
  'TIMEOUT',
  'THROTTLED',
  'NOT_FOUND',
  'NO_SPACE',
  'READ_ONLY',
]);

/** Whether waiting may help. */
export function isPassing(error: unknown): error is SecureStoreError {
  return SecureStoreError.is(error) && (error.retryable || PASSING.has(error.code));
}

/** A time in which a continuous backup fails: logged once when it begins, and once when it is over. */
export class Outage {
  readonly #area: Pick<BackupArea, 'url' | 'logger'>;
  readonly #destination: string;
  #error: SecureStoreError | undefined;
  #failures = 0;
  #isNews = false;

  constructor(area: Pick<BackupArea, 'url' | 'logger'>, destination: string) {
    this.#area = area;
    this.#destination = destination;
  }

  /** Why nothing can be shipped now. */
  get error(): SecureStoreError | undefined {
    return this.#error;
  }

  /** Whether something has begun or ended since this was called last. */
  takeNews(): boolean {
    const isNews = this.#isNews;
    this.#isNews = false;
    return isNews;
  }

  /** How long to wait until the next try, in milliseconds; `undefined` if nothing is wrong. */
  get pause(): number | undefined {
    return this.#failures === 0 ? undefined : Math.min(FIRST_RETRY * 2 ** (this.#failures - 1), LAST_RETRY);
  }

  failed(error: SecureStoreError): void {
    const isFirst = this.#error === undefined;
    this.#error = error;
    this.#failures += 1;
    if (!isFirst) return;
    const fields = this.#publish('failing', error);
    this.#area.logger?.warn(fields, 'a continuous backup fails, and tries again');
  }

  over(): void {
    if (this.#error === undefined) return;
    this.#error = undefined;
    this.#failures = 0;
    const fields = this.#publish('resumed');
    this.#area.logger?.info(fields, 'a continuous backup has resumed');
  }

  /** Waiting does not help. */
  end(error: unknown): void {
    const message = 'the continuous backup has failed unexpectedly';
    this.#error = SecureStoreError.is(error) ? error : new SecureStoreError('INTERNAL', message, { cause: error });
    const fields = this.#publish('ended', this.#error);
    this.#area.logger?.error(fields, 'a continuous backup has ended after an error that does not pass');
  }

  #publish(event: ContinuousMessage['event'], error?: SecureStoreError): object {
    this.#isNews = true;
    const reason = error && { code: error.code, message: error.message };
    publishFollow({
      url: this.#area.url,
      destination: this.#destination,
      event,
      ...(reason && { error: reason }),
    });
    return { destination: this.#destination, ...reason };
  }
}
