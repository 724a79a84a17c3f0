import { encodeBase32 } from '@securestore/core-format';
import type { FakeClock } from '../../../jobs/test/support/clock.ts';
import type { Engine } from '../../src/engine/engine.ts';
import type { JournalFinding } from '../../src/journal/alarms.ts';
import type { Consumer } from '../../src/journal/consumer.ts';
import { openConsumer } from '../../src/journal/open-consumer.ts';
import type { KnownObject } from '../../src/journal/full-scan-diff.ts';
import type { Change } from '../../src/journal/resolve-hints.ts';
import { passing } from './journals.ts';

/** What a consumer keeps beyond the end of its process. */
export type Shelf = Map<string, KnownObject>;

/** What a consumer keeps of what it read: the newest version of each object. */
export class Follower {
  readonly known: Map<string, KnownObject>;
  readonly alarms: JournalFinding[] = [];
  /** All commits that it was given, in order. */
  readonly commits: string[] = [];
  readonly consumer: Consumer;
  readonly #clock: FakeClock;
  readonly #shelf: Shelf;

  constructor(consumer: Consumer, clock: FakeClock, shelf: Shelf) {
    this.consumer = consumer;
    this.#clock = clock;
    this.#shelf = shelf;
    this.known = new Map(shelf);
  }

  /** @param shelf what an earlier process has kept */
  static async open(engine: Engine, clock: FakeClock, label = 'test', shelf: Shelf = new Map()): Promise<Follower> {
    return new Follower(await openConsumer(engine, label), clock, shelf);
  }

  readonly take = ({ token, header: { commitId, version, kind } }: Change): void => {
    this.commits.push(encodeBase32(commitId));
    const before = this.known.get(token);
    if (before !== undefined && before.version > version) return;
    this.known.set(token, { token, commitId, version, deleted: kind === 'tombstone' });
  };

  async *#sorted(): AsyncGenerator<KnownObject> {
    yield* [...this.known.values()].toSorted((a, b) => (a.token < b.token ? -1 : 1));
  }

  /** Reads the journal to its end, with a pass where one is due, and confirms it. */
  async follow(): Promise<void> {
    if (this.consumer.passDue) await this.pass();
    await this.poll();
    await this.confirm();
  }

  /** Keeps what it knows for the next process, then confirms it. */
  async confirm(): Promise<void> {
    this.#shelf.clear();
    for (const [token, object] of this.known) this.#shelf.set(token, object);
    await this.consumer.commit();
  }

  async pass(): Promise<void> {
    const onGone = ({ token }: KnownObject): void => void this.known.delete(token);
    const options = this.known.size === 0 ? {} : { known: this.#sorted(), onGone };
    this.alarms.push(...(await passing(this.#clock, this.consumer.pass(this.take, options))));
  }

  async poll(limit?: number): Promise<void> {
    for (let more = true; more;) {
      const poll = await this.consumer.poll(limit === undefined ? {} : { limit });
      for (const change of poll.changes) this.take(change);
      this.alarms.push(...poll.alarms);
      ({ more } = poll);
    }
  }

  /** @returns the time of the cut */
  async cut(): Promise<number> {
    const { time, alarms } = await passing(this.#clock, this.consumer.cut(this.take), 1);
    this.alarms.push(...alarms);
    return time;
  }

  /** What it knows of an object, as callers see its version. */
  versions(): Map<string, number> {
    return new Map([...this.known.values()].map(({ token, version }) => [token, version]));
  }
}
