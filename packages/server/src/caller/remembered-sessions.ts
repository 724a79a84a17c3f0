import type { Clock } from '@securestore/jobs';
import type { SecureStore, Session } from 'securestore';
import type { Credentials } from './credentials.ts';

/** The most sessions that are remembered. */
const MAX_SESSIONS = 10_000;

interface Remembered {
  readonly session: Promise<Session>;
  /** Whether credentials have been good, now or when they were looked at before. */
  isProven: boolean;
  /** In milliseconds since the machine started. */
  readonly until: number;
}

/** Means by which sessions begin. */
interface SessionPorts {
  /** Of the request that is being served. */
  readonly requestId: () => string | undefined;
  /** Told the name of credentials that were proved to be valid. */
  readonly proven: (name: string) => void;
}

/**
 * Sessions of those who have proved who they are. Beginning one for every request would cost a look at the policy, a check of the
 * credentials and an entry in the audit log each time; and one that is remembered is no weaker: at each step a session asks whether its
 * token was revoked, its time is up or its principal disabled. What it doesn't ask again is whether the issuer of a JWT still has the key,
 * so it is remembered for a limited time.
 */
export class Sessions {
  readonly #store: Pick<SecureStore, 'session'>;
  readonly #age: number;
  readonly #clock: Pick<Clock, 'uptime'>;
  readonly #ports: SessionPorts;
  readonly #remembered = new Map<string, Remembered>();

  /** @param age how long one is remembered, in milliseconds */
  constructor(store: Pick<SecureStore, 'session'>, age: number, clock: Pick<Clock, 'uptime'>, ports: SessionPorts) {
    this.#store = store;
    this.#age = age;
    this.#clock = clock;
    this.#ports = ports;
  }

  /** The session of whoever brings these credentials. @throws SecureStoreError `UNAUTHENTICATED`, `UNAVAILABLE`, `TIMEOUT` */
  of({ name, given }: Credentials): Promise<Session> {
    const now = this.#clock.uptime();
    const found = this.#remembered.get(name);
    if (found !== undefined && now < found.until) return found.session;
    const session = this.#store.session(given, { requestId: this.#ports.requestId });
    this.#remembered.delete(name);
    const remembered = { session, until: now + this.#age, isProven: found?.isProven === true };
    this.#remembered.set(name, remembered);
    void this.#note(name, remembered);
    if (this.#remembered.size > MAX_SESSIONS) this.#forgetOldest();
    return session;
  }

  async #note(name: string, remembered: Remembered): Promise<void> {
    try {
      await remembered.session;
      remembered.isProven = true;
      this.#ports.proven(name);
    } catch {
      // What was refused is looked at anew the next time.
      this.#forgetIf(name, remembered.session);
    }
  }

  /** Whether these credentials have proved who somebody is: whoever guesses has none like them. */
  knows({ name }: Credentials): boolean {
    return this.#remembered.get(name)?.isProven === true;
  }

  /** Forgets a session that has ended. Not closed: others may still be at something in it. */
  forget({ name }: Credentials): void {
    this.#remembered.delete(name);
  }

  #forgetIf(name: string, session: Promise<Session>): void {
    if (this.#remembered.get(name)?.session === session) this.#remembered.delete(name);
  }

  #forgetOldest(): void {
    const [oldest] = this.#remembered.keys();
    if (oldest !== undefined) this.#remembered.delete(oldest);
  }
}
