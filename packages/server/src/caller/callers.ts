import type { IncomingMessage } from 'node:http';
import { SecureStoreError } from '@securestore/core-format';
import type { Clock } from '@securestore/jobs';
import type { SecureStore, Session } from 'securestore';
import type { Credentials } from './credentials.ts';
import { CredentialsReader } from './credentials.ts';
import type { Guesses } from './guesses.ts';
import type { ServerLimits } from '../limits/limits.ts';
import { Sessions } from './remembered-sessions.ts';

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
  readonly guesses: Guesses;
}

/** Finds out who sends requests, not too often for who guesses. */
export class Callers {
  readonly #settings: CallerSettings;
  readonly #requestId: () => string | undefined;
  readonly #sessions: Sessions;
  readonly #credentials = new CredentialsReader();

  /** @param requestId of the request that is being served */
  constructor(settings: CallerSettings, requestId: () => string | undefined) {
    const { store, limits, clock, guesses } = settings;
    this.#settings = settings;
    this.#requestId = requestId;
    this.#sessions = new Sessions(store, limits.sessionAge, clock, {
      requestId,
      proven: (name) => guesses.proven(name),
    });
  }

  /** Whoever sends a request with credentials of a program. @throws SecureStoreError `UNAUTHENTICATED`, `THROTTLED`, `UNAVAILABLE`, `TIMEOUT` */
  async bearer(request: IncomingMessage): Promise<Caller> {
    const credentials = this.#credentialsOf(request);
    const session = await this.#counted(request, credentials, async () => {
      if (!this.#sessions.knows(credentials)) await this.#checkGuesses(request, credentials);
      return this.#sessions.of(credentials);
    });
    const check = (): Promise<void> => this.#counted(request, credentials, () => session.check());
    return { session, check, forget: () => this.#sessions.forget(credentials) };
  }

  #credentialsOf(request: IncomingMessage): Credentials {
    try {
      return this.#credentials.read(request);
    } catch (error) {
      this.#countFailure(request, '', error);
      throw error;
    }
  }

  /** Begins a session that nobody else has. @throws as {@link bearer} */
  async begin(request: IncomingMessage, credentials: Credentials): Promise<Session> {
    return this.#counted(request, credentials, async () => {
      if (!this.#sessions.knows(credentials)) await this.#checkGuesses(request, credentials);
      return this.#settings.store.session(credentials.given, { requestId: this.#requestId });
    });
  }

  /** Counts wrong credentials of an address. */
  async #counted<T>(request: IncomingMessage, { name }: Credentials, prove: () => Promise<T>): Promise<T> {
    try {
      return await prove();
    } catch (error) {
      this.#countFailure(request, name, error);
      throw error;
    }
  }

  #countFailure(request: IncomingMessage, name: string, error: unknown): void {
    const { guesses, addressOf } = this.#settings;
    if (SecureStoreError.is(error, 'UNAUTHENTICATED')) guesses.failed(addressOf(request), name);
  }

  async #checkGuesses(request: IncomingMessage, { name }: Credentials): Promise<void> {
    const { guesses, addressOf } = this.#settings;
    if (await guesses.mayTry(addressOf(request), name)) return;
    throw new SecureStoreError('THROTTLED', 'too many wrong credentials from this address', {
      advice: [{ id: 'try-again' }],
    });
  }
}
