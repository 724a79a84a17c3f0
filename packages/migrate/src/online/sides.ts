import type { ListEntry, StorageBackend } from '@securestore/backend-api';
import { HEAD_NAME } from '@securestore/core-format';
import type { MigrationArea } from '@securestore/objects/internal';
import { entriesUnder, mapConcurrently } from '@securestore/objects/internal';
import type { Copier } from './copier.ts';
import type { Listed, Lister } from './listing.ts';
import { listObjects } from './listing.ts';

/** Objects that are looked at side by side. */
export const OBJECTS_AT_ONCE = 16;
/** So many objects that differ are remembered, to be looked at again once the rest was compared. */
const MAX_SUSPECTS = 10_000;
/** The longest that a store is closed before others open it again, with some time to spare, in milliseconds. */
const CLOSED_FOR = 20_000;

const isSameList = (a: readonly ListEntry[], b: readonly ListEntry[]): boolean =>
  a.length === b.length && a.every(({ key, size }, at) => key === b[at]?.key && size === b[at].size);

const isSameListing = (here: Listed, there: Listed | undefined): boolean =>
  here.record?.size === there?.record?.size &&
  isSameList(here.history, there?.history ?? []) &&
  isSameList(here.parts, there?.parts ?? []);

/** What looking at both sides works with. */
interface SidesPorts {
  readonly area: MigrationArea;
  readonly target: StorageBackend;
  readonly copier: Copier;
  readonly signal: AbortSignal;
  /** Told how many names were not the same, of what was to be. */
  readonly onCorrected: (names: number) => void;
}

/** What a store lists, beside what is listed where it moves to: both in the order of tokens. */
export class Sides {
  readonly #ports: SidesPorts;

  constructor(ports: SidesPorts) {
    this.#ports = ports;
  }

  /**
   * Goes through the objects of the store, several at a time. What else lies at the target is looked for in the store once more.
   *
   * @param look at an object, and at what lies at the target of it
   * @param options.after the last token that is passed over
   * @param options.isEmpty whether nothing can lie at the target
   */
  async *walk(
    look: (listed: Listed, other: Listed | undefined) => Promise<void>,
    { after, isEmpty = false }: { readonly after?: string | undefined; readonly isEmpty?: boolean } = {},
  ): AsyncGenerator<Listed> {
    const { area, signal } = this.#ports;
    const there = isEmpty ? undefined : this.#there(after);
    const here: Lister = (prefix, from) => area.entries(prefix, { ...(from !== undefined && { after: from }), signal });
    yield* mapConcurrently(listObjects(here, after), OBJECTS_AT_ONCE, async (listed) => {
      await look(listed, await there?.(listed.token));
      return listed;
    });
    await there?.();
  }

  /** What lies at the target of the objects that are asked for, in their order. */
  #there(after: string | undefined): (token?: string) => Promise<Listed | undefined> {
    const { target, copier, signal, onCorrected } = this.#ports;
    const list: Lister = (prefix, from) => entriesUnder(target, prefix, { after: from, signal });
    const all = listObjects(list, after);
    let next = all.next();
    // Nobody may ask for it any more, where the other listing fails.
    next.catch(() => undefined);
    let turn: Promise<unknown> = Promise.resolve();
    const take = async (token: string | undefined): Promise<Listed | undefined> => {
      for (;;) {
        const step = await next;
        if (step.done === true || (token !== undefined && step.value.token > token)) return undefined;
        next = all.next();
        next.catch(() => undefined);
        if (step.value.token === token) return step.value;
        onCorrected(await copier.syncToken(step.value.token));
      }
    };
    return (token) => {
      const taken = turn.then(() => take(token));
      turn = taken.catch(() => undefined);
      return taken;
    };
  }

  /**
   * Since when, by the clock of the target, somebody may have written there who did not know yet that the store had moved: nothing of it
   * counts.
   */
  async leftAt(): Promise<number> {
    const { target, signal } = this.#ports;
    const { clockSkew, modifiedResolution } = target.capabilities;
    const found = await target.read(HEAD_NAME, { signal });
    return (found?.modified ?? 0) - CLOSED_FOR - clockSkew - modifiedResolution;
  }

  /**
   * Compares both sides by what they list.
   *
   * @param leftAt where the store has left the target before: of what was written there from then on, histories are read on both sides.
   *   So are all current records, and where keys have been destroyed all histories: nobody has looked at them since
   * @param onCompared called with each object
   * @returns what differs, and was not brought in line yet
   */
  async compare(leftAt: number | undefined, onCompared: (listed: Listed) => void): Promise<string[]> {
    const { area, copier, signal, onCorrected } = this.#ports;
    const suspects: string[] = [];
    const compared = this.walk(async (listed, other) => {
      const entries = [other?.record, ...(other?.history ?? [])];
      const isDoubted = leftAt !== undefined && entries.some((entry) => (entry?.modified ?? 0) >= leftAt);
      if (isDoubted) onCorrected(await copier.syncToken(listed.token, 'nothing'));
      else if (!isSameListing(listed, other)) {
        if (suspects.length < MAX_SUSPECTS) suspects.push(listed.token);
        else onCorrected(await copier.syncToken(listed.token));
      } else if (leftAt !== undefined) {
        onCorrected(await copier.sync(listed, other, area.copying.hasDestroyedKeys ? 'nothing' : 'sizes'));
      }
    });
    for await (const listed of compared) {
      signal.throwIfAborted();
      onCompared(listed);
    }
    return suspects;
  }
}
