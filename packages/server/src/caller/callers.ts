import type { IncomingMessage } from 'node:http';
import { SecureStoreError } from '@securestore/core-format';
import type { Clock } from '@securestore/jobs';
import type { SecureStore, Session } from 'securestore';
import type { Credentials } from './credentials.ts';
import { credentialsOf } from './credentials.ts';
import type { ServerLimits } from '../limits/limits.ts';
import { Sessions } from './remembered-sessions.ts';
import { RateLimiter } from '../limits/rate-limiter.ts';

/** Who sends a request, once that is known. */
export interface Caller {
  readonly session: Session;
  /** Whether the session is still good. @throws SecureStoreError `UNAUTHENTICATED`, `UNAVAILABLE`, `TIMEOUT` */
  readonly check: () => Promise<void>;
  /** Has what proves it looked at anew the next time. */
  readonly forget: () => void;
}

export function callerOf(session: Session, forget: () => void): Caller {
  return { session, check: () => session.check(), forget };
}

/** What callers are found out with. */
interface CallerSettings {
  readonly store: Pick<SecureStore, 'session'>;
  readonly limits: ServerLimits;
  readonly clock: Clock;
  readonly addressOf: (request: IncomingMessage) => string;
}

/** Finds out who sends requests, not too often for who guesses. */
export class Callers {
  readonly #settings: CallerSettings;
  readonly #requestId: () => string | undefined;
  readonly #sessions: Sessions;
  readonly #failures: RateLimiter;

  /** @param requestId of the request that is being served */
  constructor(settings: CallerSettings, requestId: () => string | undefined) {
    const { store, limits, clock } = settings;
    this.#settings = settings;
    this.#requestId = requestId;
    this.#sessions = new Sessions(store, limits.sessionAge, clock, requestId);
    this.#failures = new RateLimiter(limits.failuresPerAddress, limits.failuresPerAddress * 10, clock);
  }

  /** Whoever sends a request with credentials of a program. @throws SecureStoreError `UNAUTHENTICATED`, `THROTTLED`, `UNAVAILABLE`, `TIMEOUT` */
  async bearer(request: IncomingMessage): Promise<Caller> {
    return this.#counted(request, async () => {
      const credentials = credentialsOf(request);
      this.#checkGuesses(request, credentials);
      const session = await this.#sessions.of(credentials);
      const check = (): Promise<void> => this.#counted(request, () => session.check());
      return { session, check, forget: () => this.#sessions.forget(credentials) };
    });
  }

  /** Begins a session that nobody else has. @throws as {@link bearer} */
  async begin(request: IncomingMessage, credentials: Credentials): Promise<Session> {
    return this.#counted(request, async () => {
      this.#checkGuesses(request, credentials);
      return this.#settings.store.session(credentials.given, { requestId: this.#requestId });
    });
  }

  /** Counts wrong credentials of an address. */
  async #counted<T>(request: IncomingMessage, prove: () => Promise<T>): Promise<T> {
    try {
      return await prove();
    } catch (error) {
      if (SecureStoreError.is(error, 'UNAUTHENTICATED')) this.#failures.take(this.#settings.addressOf(request));
      throw error;
    }
  }

  #checkGuesses(request: IncomingMessage, credentials: Credentials): void {
    // Who is known is not put off by what others on the address do: behind a proxy that may be everybody.
    if (!this.#failures.isEmpty(this.#settings.addressOf(request)) || this.#sessions.knows(credentials)) return;
    throw new SecureStoreError('THROTTLED', 'too many wrong credentials from this address', {
      advice: [{ id: 'try-again' }],
    });
  }
}
