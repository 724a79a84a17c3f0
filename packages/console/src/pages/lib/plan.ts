import type { StoreAction } from '@securestore/acl';
import { withoutUnprintable } from '@securestore/protocol';
import type { CommandRequest } from '@securestore/protocol';
import type { Chosen, Draft } from './draft-types.ts';
import { pointQuery } from './draft.ts';

/** What is asked of a restore into the store. */
export interface RestoreBody {
  readonly destination: string;
  readonly at?: string;
  readonly snapshot?: number;
  readonly prefix?: string;
  readonly keys?: readonly string[];
  readonly into?: string;
  readonly conflict?: string;
  readonly deleteExtra?: boolean;
  readonly dryRun?: boolean;
  readonly verify?: boolean;
}

function whichOf(chosen: Chosen): Pick<RestoreBody, 'prefix' | 'keys'> {
  if (chosen.type === 'prefix') return { prefix: chosen.prefix };
  return chosen.type === 'keys' ? { keys: chosen.keys } : {};
}

/** Whether what was not there then is deleted. Of single keys, and beside what is there, there is nothing to delete. */
function deletes({ target, chosen, conflict }: Draft): boolean {
  return target.type === 'place' && target.deleteExtra && chosen.type !== 'keys' && conflict !== 'rename';
}

/** The request that does what a draft says, into the store. */
export function restoreOf(draft: Draft): RestoreBody {
  const { destination = '', point, chosen, target, conflict } = draft;
  return {
    destination,
    ...pointQuery(point),
    ...whichOf(chosen),
    ...(target.type === 'prefix' && { into: target.into }),
    conflict,
    ...(deletes(draft) && { deleteExtra: true }),
  };
}

/** The request that makes a new store of what a draft says. */
export function newStoreOf({ destination = '', point, chosen, target }: Draft): object {
  return {
    destination,
    ...pointQuery(point),
    to: target.type === 'store' ? target.to : '',
    ...(chosen.type === 'prefix' && { prefix: chosen.prefix }),
  };
}

/** What does the same on the command line; `undefined` if no single command does. */
export function commandOf(
  draft: Draft,
  { dryRun = false }: { readonly dryRun?: boolean } = {},
): CommandRequest | undefined {
  const { destination = '', point, chosen, target } = draft;
  const which = { destination, ...pointQuery(point), ...whichOf(chosen) };
  if (target.type === 'download') {
    const { keys: [key, ...more] = [], ...others } = which;
    if (key === undefined) return { type: 'download', ...others };
    return more.length === 0 ? { type: 'value', ...others, key } : undefined;
  }
  if (target.type === 'store') return { type: 'restore', ...which, to: target.to };
  return { type: 'restore', ...restoreOf(draft), ...(dryRun ? { dryRun } : { verify: true }) };
}

/** Whether something that is in the store by now may be replaced or deleted. */
export function replaces(draft: Draft): boolean {
  const { target, conflict } = draft;
  if (target.type !== 'place' && target.type !== 'prefix') return false;
  return conflict === 'overwrite' || conflict === 'newer' || deletes(draft);
}

/** What a restore takes the right to. */
export function actionsOf(draft: Draft): readonly StoreAction[] {
  const { type } = draft.target;
  if (type === 'download') return ['backup.view'];
  if (type === 'store') return ['restore', 'backup.manage'];
  return type === 'place' || replaces(draft) ? ['restore', 'restore.replace'] : ['restore'];
}

/** The longest word that anybody is asked to type. */
const LONGEST = 40;

/** What somebody types to confirm that they mean it. */
export function wordFor({ chosen }: Draft): string {
  const [only, more] = chosen.type === 'prefix' ? [chosen.prefix] : chosen.type === 'keys' ? chosen.keys : [];
  // Nobody can type what they can't see.
  const isTypable = only !== undefined && only.length <= LONGEST && withoutUnprintable(only, '') === only;
  return isTypable && more === undefined ? only : 'restore';
}
