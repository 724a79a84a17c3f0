import { createHmac, createSecretKey, hash, randomBytes, timingSafeEqual } from 'node:crypto';
import type { KeyObject } from 'node:crypto';
import { unauthenticated } from '@securestore/acl';
import type { Clock } from '@securestore/jobs';
import type { Session } from 'securestore';

/** The most sessions in all, and of one principal: the oldest goes. */
export const MAX_SESSIONS = 10_000;
export const MAX_EACH = 32;

/** How long sessions last, in milliseconds. */
export interface SessionLimits {
  /** Without a request. */
  readonly consoleIdle: number;
  /** In any case. */
  readonly consoleAge: number;
}

/** A session of somebody in a browser. Times are milliseconds since the machine started. */
export interface ConsoleEntry {
  readonly session: Session;
  readonly begun: number;
  used: number;
}

const digestOf = (id: string): string => hash('sha256', id, 'base64url');

/**
 * The sessions behind cookies. What a cookie holds lies here as a digest, and credentials not at all. They end with the process: whoever was
 * signed in signs in again.
 */
export class ConsoleSessions {
  readonly #entries = new Map<string, ConsoleEntry>();
  readonly #limits: SessionLimits;
  readonly #clock: Pick<Clock, 'now' | 'uptime'>;
  /** What makes the second value of a session out of its id: so it is never kept. */
  readonly #key: KeyObject = createSecretKey(randomBytes(32));

  constructor(limits: SessionLimits, clock: Pick<Clock, 'now' | 'uptime'>) {
    this.#limits = limits;
    this.#clock = clock;
  }

  /** Begins a session. @returns its id, for the cookie */
  begin(session: Session): string {
    this.#forgetSome(session.principal);
    const id = randomBytes(32).toString('base64url');
    const now = this.#clock.uptime();
    this.#entries.set(digestOf(id), { session, begun: now, used: now });
    return id;
  }

  /**
   * The session of an id.
   *
   * @param isAttended whether somebody is there, from whom the idle time counts anew
   * @throws SecureStoreError `UNAUTHENTICATED`
   */
  of(id: string | undefined, isAttended: boolean): ConsoleEntry {
    const name = id === undefined ? '' : digestOf(id);
    const found = this.#entries.get(name);
    if (found === undefined) throw unauthenticated();
    if (this.left(found) <= 0) {
      this.#drop(name);
      throw unauthenticated();
    }
    if (isAttended) found.used = this.#clock.uptime();
    return found;
  }

  /** How long a session lasts at the longest, in milliseconds from now: its token may end before its age. */
  ageLeft({ begun, session }: ConsoleEntry): number {
    const age = begun + this.#limits.consoleAge - this.#clock.uptime();
    return Math.min(age, session.until - this.#clock.now());
  }

  /** How long a session lasts if nobody asks anything, in milliseconds from now. */
  left(entry: ConsoleEntry): number {
    return Math.min(this.ageLeft(entry), entry.used + this.#limits.consoleIdle - this.#clock.uptime());
  }

  /** Ends a session, where there is one. */
  end(id: string | undefined): void {
    if (id !== undefined) this.#drop(digestOf(id));
  }

  /** The second value of a session, which its page sends with each request. */
  csrfOf(id: string): string {
    return createHmac('sha256', this.#key).update(id).digest('base64url');
  }

  /** Whether that is what was sent; in a time that tells nothing of it. */
  isCsrf(id: string, given: string): boolean {
    const [expected, sent] = [Buffer.from(this.csrfOf(id)), Buffer.from(given)];
    return expected.length === sent.length && timingSafeEqual(expected, sent);
  }

  /** Ends all of them. */
  close(): void {
    for (const name of this.#entries.keys()) this.#drop(name);
  }

  #drop(name: string): void {
    const found = this.#entries.get(name);
    this.#entries.delete(name);
    // What is under way in it fails at its next step.
    void found?.session.close();
  }

  /** Makes room: what is over goes, and of too many the oldest. */
  #forgetSome(principal: string): void {
    for (const [name, entry] of this.#entries) if (this.left(entry) <= 0) this.#drop(name);
    const own = [...this.#entries].filter(([, { session }]) => session.principal === principal);
    if (own.length >= MAX_EACH) this.#drop(own[0]?.[0] ?? '');
    const [oldest] = this.#entries.keys();
    if (this.#entries.size >= MAX_SESSIONS && oldest !== undefined) this.#drop(oldest);
  }
}
