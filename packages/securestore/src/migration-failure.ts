import { beingMoved } from '@securestore/migrate';
import type { ObjectStore } from '@securestore/objects';
import { extensionsOf } from '@securestore/objects/internal';
import type { Advice } from '@securestore/core-format';
import { SecureStoreError } from '@securestore/core-format';
import { nameOfLocation } from './connect.ts';

/** What is at a name of a backend is no object of anybody, and its own message says where it is. */
export function withoutKey(error: unknown): unknown {
  if (!SecureStoreError.is(error) || error.key === undefined) return error;
  return SecureStoreError.from(error, { key: undefined });
}

/** `error` with the place that it is about, where it does not say: two are known to whoever moves a store. */
export function namingPlace(error: unknown, place: string): unknown {
  if (!SecureStoreError.is(error) || error.message.includes(place.slice(place.indexOf(':') + 1))) return error;
  return SecureStoreError.from(error, { message: `${place}: ${error.message}` });
}

/** How long finding out where a store is may take after a migration of it has failed, in milliseconds. */
const TOLD_WITHIN = 5000;

/** By these nothing was begun, or somebody else is at it. */
const BEFORE_IT_BEGAN: ReadonlySet<string> = new Set(['ABORTED', 'INVALID_ARGUMENT', 'LOCKED', 'UNSUPPORTED']);

/** Where a store moves to, and whether it has left; `undefined` where it does not, or that can't be found out now. */
async function stateOfMove(store: ObjectStore) {
  const { migration } = extensionsOf(store);
  try {
    const { state } = await migration.refresh(AbortSignal.timeout(TOLD_WITHIN));
    const to = migration.movesTo;
    return to === undefined ? undefined : { to, hasLeft: state === 'moved' };
  } catch {
    return undefined;
  }
}

/** What made a migration fail, with where the store is and how it goes on where it was begun. */
export async function whereItStands(store: ObjectStore, to: string, error: unknown): Promise<unknown> {
  if (!SecureStoreError.is(error)) return error;
  if (error.reason === 'job-running') return beingMoved();
  if (BEFORE_IT_BEGAN.has(error.code)) return error;
  const moves = await stateOfMove(store);
  if (moves?.to !== nameOfLocation(to)) return error;
  const what = error.message.replace(/\.$/, '');
  const source = store.location;
  const resume = { id: 'resume-migration', source, target: moves.to } as const;
  const said = (message: string, advice: readonly Advice[]): SecureStoreError =>
    SecureStoreError.from(error, { message: `${what}. ${message}`, advice });
  return moves.hasLeft
    ? said(`The store has left ${source} for ${moves.to}, where nobody has opened it yet.`, [resume])
    : said(`The store is still at ${source}.`, [resume, { id: 'cancel-migration', source }]);
}
