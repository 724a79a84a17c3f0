import type { ObjectStore } from '@securestore/objects';
import { extensionsOf } from '@securestore/objects/internal';
import type { Advice } from '@securestore/core-format';
import { SecureStoreError } from '@securestore/core-format';
import { nameOfUrl } from './connect.ts';
import { loadMigrate } from './engines.ts';

/** The name of an object of a backend is no key of the caller, and the message has the store URL. */
export function withoutKey(error: unknown): unknown {
  if (!SecureStoreError.is(error) || error.key === undefined) return error;
  return SecureStoreError.from(error, { key: undefined });
}

/** `error` with the store URL that it is about, unless its message has it: a migration has two. */
export function namingPlace(error: unknown, place: string): unknown {
  if (!SecureStoreError.is(error) || error.message.includes(place.slice(place.indexOf(':') + 1))) return error;
  return SecureStoreError.from(error, { message: `${place}: ${error.message}` });
}

/** How long finding the URL of a store may take after its migration has failed, in milliseconds. */
const TOLD_WITHIN = 5000;

/** Codes of a migration that did not begin, or that another process runs. */
const BEFORE_IT_BEGAN: ReadonlySet<string> = new Set(['ABORTED', 'INVALID_ARGUMENT', 'LOCKED', 'UNSUPPORTED']);

/** The target of a store, and whether it has left; `undefined` if it has none, or that is not known now. */
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

/** The error of a migration, with the URL of the store and advice to resume it if it had begun. */
export async function whereItStands(store: ObjectStore, to: string, error: unknown): Promise<unknown> {
  if (!SecureStoreError.is(error)) return error;
  if (error.reason === 'job-running') return (await loadMigrate()).migrationRunning();
  if (BEFORE_IT_BEGAN.has(error.code)) return error;
  const moves = await stateOfMove(store);
  if (moves?.to !== nameOfUrl(to)) return error;
  const what = error.message.replace(/\.$/, '');
  const source = store.url;
  const resume = { id: 'resume-migration', source, target: moves.to } as const;
  const said = (message: string, advice: readonly Advice[]): SecureStoreError =>
    SecureStoreError.from(error, { message: `${what}. ${message}`, advice });
  // Its target is empty: the same call would only find that again.
  if (moves.hasLeft && error.advice?.some(({ id }) => id === 'reopen-source') === true) {
    return said(`The store has left ${source} for ${moves.to}.`, [
      { id: 'check-store-url', url: moves.to },
      { id: 'reopen-source', source },
    ]);
  }
  return moves.hasLeft
    ? said(`The store has left ${source} for ${moves.to}, and was not opened there yet.`, [resume])
    : said(`The store is still at ${source}.`, [resume, { id: 'cancel-migration', source }]);
}
