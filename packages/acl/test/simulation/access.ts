import { SecureStoreError } from '@securestore/core-format';
import type { Dice } from '../../../objects/test/simulation/dice.ts';
import { labelOf, payload } from '../../../objects/test/simulation/operations.ts';
import type { ObjectAction, Session } from '../../src/index.ts';
import { KEYS, LASTING, PASSING } from './image.ts';
import { FRESH_FOR } from './rules.ts';
import type { Actor, Answer, Opened, World } from './world.ts';

const SIZES = [12, 12, 40_000, 100_000] as const;

/** What is done through sessions. */
export const CALLS = [
  'store',
  'store slowly',
  'retrieve',
  'retrieve',
  'has',
  'delete',
  'list',
  'keys',
  'retrieveMany',
  'retrieveStream',
] as const;

/** One call through a session, and what its answers say about the policy. */
export class Access {
  readonly #world: World;
  readonly #opened: Opened;
  readonly #actor: Actor;
  readonly #dice: Dice;
  readonly #what: string;
  readonly #begun: number;

  constructor(world: World, opened: Opened, actor: Actor, dice: Dice, what: string) {
    this.#world = world;
    this.#opened = opened;
    this.#actor = actor;
    this.#dice = dice;
    this.#what = `#${world.count()} ${what}`;
    this.#begun = world.scheduler.now;
    world.log.add(opened.process.name, () => `${this.#what} by ${actor.principal} ${actor.token?.id ?? ''}`);
  }

  get #now(): number {
    return this.#world.scheduler.now;
  }

  #pause(): Promise<void> {
    return this.#world.rest(this.#opened.process, this.#dice, 5000);
  }

  /** @param since when it was asked for, or asked for again, at the earliest */
  #note(answer: Answer, action: ObjectAction | undefined, key: string | undefined, since: number): void {
    this.#world.note({
      process: this.#opened.process.name,
      what: this.#what,
      actor: this.#actor,
      answer,
      ...(action === undefined ? {} : { action }),
      ...(key === undefined ? {} : { key }),
      from: since - FRESH_FOR,
      to: this.#now,
      since,
    });
  }

  #noteFailure(error: unknown, action: ObjectAction, key: string | undefined, since = this.#begun): void {
    if (SecureStoreError.is(error, 'ACCESS_DENIED')) return this.#note('denied', action, key, since);
    if (SecureStoreError.is(error, 'UNAUTHENTICATED'))
      return this.#note('unauthenticated', undefined, undefined, since);
    // That there is nothing is told only to those who may know when they are told.
    if (SecureStoreError.is(error, 'NOT_FOUND')) return this.#note('allowed', action, key, this.#now);
    if (SecureStoreError.is(error, 'UNAVAILABLE')) return undefined;
    return this.#world.complain(`${this.#what} failed: ${String(error)}`);
  }

  #check(data: Uint8Array): void {
    const label = labelOf(data);
    if (this.#world.refused.has(label)) this.#world.complain(`${this.#what} finds what was refused: ${label}`);
  }

  async #store(session: Session, key: string, slowly: boolean): Promise<void> {
    const label = `d${this.#world.count()}`;
    const text = payload(label, this.#dice.pick(SIZES));
    let given = this.#begun;
    const inSteps = async function* (this: Access): AsyncGenerator<Uint8Array> {
      const bytes = Buffer.from(text);
      for (const part of [bytes.subarray(0, 6), bytes.subarray(6)]) {
        await this.#pause();
        yield part;
      }
      if (this.#dice.chance(0.5)) await this.#pause();
      given = this.#now;
    };
    try {
      await session.store(key, slowly ? inSteps.call(this) : text);
      this.#note('allowed', 'write', key, given);
    } catch (error) {
      if (SecureStoreError.is(error, 'ACCESS_DENIED') || SecureStoreError.is(error, 'UNAUTHENTICATED'))
        this.#world.refused.add(label);
      this.#noteFailure(error, 'write', key);
    }
  }

  async #ask(call: 'retrieve' | 'has' | 'delete', session: Session, key: string): Promise<void> {
    const action = ({ retrieve: 'read', has: 'list', delete: 'delete' } as const)[call];
    try {
      if (call === 'retrieve') this.#check((await session.retrieve(key)).data);
      else await session[call](key);
      // What is only read is asked for again when it is known.
      this.#note('allowed', action, key, call === 'delete' ? this.#begun : this.#now);
    } catch (error) {
      this.#noteFailure(error, action, key);
    }
  }

  /** What is missing in a listing was denied, if it is there. */
  #noteMissing(names: ReadonlySet<string>, since: number): void {
    for (const key of LASTING) if (!names.has(key)) this.#note('denied', 'list', key, since);
  }

  async #list(session: Session): Promise<void> {
    try {
      const names = await session.list();
      for (const name of names) this.#note('allowed', 'list', name, this.#now);
      this.#noteMissing(new Set(names), this.#now);
    } catch (error) {
      this.#noteFailure(error, 'list', undefined);
    }
  }

  async #keys(session: Session): Promise<void> {
    const names = new Set<string>();
    let asked = this.#begun;
    try {
      for await (const name of session.keys()) {
        this.#note('allowed', 'list', name, asked);
        names.add(name);
        if (this.#dice.chance(0.6)) await this.#pause();
        asked = this.#now;
      }
      this.#noteMissing(names, this.#begun);
    } catch (error) {
      this.#noteFailure(error, 'list', undefined, asked);
    }
  }

  async #retrieveMany(session: Session): Promise<void> {
    const given = new Map<string, number>();
    const slowly = this.#dice.chance(0.5);
    const keys = KEYS.filter(() => this.#dice.chance(0.7));
    const giving = async function* (this: Access): AsyncGenerator<string> {
      for (const key of keys) {
        if (slowly) await this.#pause();
        given.set(key, this.#now);
        yield key;
      }
    };
    try {
      for (const item of await session.retrieveMany(giving.call(this))) {
        if (item.ok) {
          this.#check(item.value.data);
          this.#note('allowed', 'read', item.key, this.#now);
        } else {
          this.#noteFailure(item.error, 'read', item.key, given.get(item.key));
        }
      }
    } catch (error) {
      this.#noteFailure(error, 'read', undefined);
    }
  }

  async #retrieveStream(session: Session, key: string): Promise<void> {
    let asked = this.#begun;
    try {
      const { stream } = await session.retrieveStream(key);
      this.#note('allowed', 'read', key, this.#now);
      const chunks: Uint8Array[] = [];
      const reader = stream.getReader();
      for (;;) {
        if (this.#dice.chance(0.5)) await this.#pause();
        asked = this.#now;
        const { value } = await reader.read();
        if (value === undefined) break;
        this.#note('allowed', 'read', key, asked);
        chunks.push(value);
      }
      this.#check(Buffer.concat(chunks));
    } catch (error) {
      this.#noteFailure(error, 'read', key, asked);
    }
  }

  /** Does it. What goes wrong is noted, too. */
  run(call: (typeof CALLS)[number], session: Session, key: string): Promise<void> {
    switch (call) {
      case 'store':
      case 'store slowly':
        return this.#store(session, key, call === 'store slowly');
      case 'list':
        return this.#list(session);
      case 'keys':
        return this.#keys(session);
      case 'retrieveMany':
        return this.#retrieveMany(session);
      case 'retrieveStream':
        return this.#retrieveStream(session, key);
      default:
        return this.#ask(call, session, call === 'delete' ? PASSING : key);
    }
  }
}

/** A session is begun under a policy that is looked up for it. */
export async function begin(world: World, { process, access }: Opened, actor: Actor): Promise<Session | undefined> {
  const { token, principal } = actor;
  const what = `#${world.count()} begins a session`;
  const begun = world.scheduler.now;
  const note = (answer: Answer): void =>
    world.note({ process: process.name, what, actor, answer, from: begun, to: world.scheduler.now, since: begun });
  try {
    const session = await access.session(token === undefined ? { user: principal } : { token: token.secret });
    note('allowed');
    return session;
  } catch (error) {
    if (SecureStoreError.is(error, 'UNAUTHENTICATED')) note('unauthenticated');
    else if (!SecureStoreError.is(error, 'UNAVAILABLE')) world.complain(`${what}: ${String(error)}`);
    return undefined;
  }
}
