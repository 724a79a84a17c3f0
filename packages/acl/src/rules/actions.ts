import { parseStoreKey, SecureStoreError } from '@securestore/core-format';

/** What can be done to one object, or asked about it. */
const OBJECT_ACTIONS = ['read', 'list', 'history', 'write', 'delete', 'recover', 'purge'] as const;

/** What concerns the whole store. */
const STORE_ACTIONS = [
  'backup',
  'backup.view',
  'backup.manage',
  'restore',
  'restore.replace',
  'rotate',
  'migrate',
  'verify',
  'checkpoint',
  'collect',
  'health',
  'jobs',
  'keys.view',
  'keys.destroy',
  'slots.view',
  'slots.change',
  'access.view',
  'access.change',
  'members.view',
  'members.change',
  'settings.change',
  'audit.view',
  'audit.change',
  'approve',
] as const;

export type ObjectAction = (typeof OBJECT_ACTIONS)[number];
export type StoreAction = (typeof STORE_ACTIONS)[number];
/** One thing that a principal may or may not do. */
export type Action = ObjectAction | StoreAction;

/** Every action that a rule can name. */
export const ACTIONS: readonly Action[] = [...OBJECT_ACTIONS, ...STORE_ACTIONS];

/** All actions, or those of a group, such as `keys.*`. */
export type ActionPattern = Action | '*' | 'keys.*' | 'slots.*' | 'access.*' | 'members.*' | 'audit.*';

const NUMBERS: ReadonlyMap<string, number> = new Map(ACTIONS.map((action, index) => [action, index]));

/** One bit for each action; there are 31 at most. */
export function bitOf(action: Action): number {
  return 1 << (NUMBERS.get(action) ?? 31);
}

export function isAction(value: unknown): value is Action {
  return typeof value === 'string' && NUMBERS.has(value);
}

/** Whether an action is about one object. */
export function isObjectAction(action: Action): action is ObjectAction {
  return (NUMBERS.get(action) ?? Infinity) < OBJECT_ACTIONS.length;
}

/**
 * Checks that something can be asked: an action that there is, with a key if it is about an object, and without one
 * if it is about the whole store. Approving is about what is approved, so about either.
 *
 * @throws SecureStoreError `INVALID_ARGUMENT`, `INVALID_KEY`
 */
export function checkQuestion(action: Action, key: string | undefined): void {
  if (!isAction(action))
    throw new SecureStoreError('INVALID_ARGUMENT', unknownAction(action), {
      advice: [{ id: 'list-actions' }],
    });
  if (key !== undefined) parseStoreKey(key);
  if (action === 'approve' || isObjectAction(action) === (key !== undefined)) return;
  const rest = isObjectAction(action) ? 'takes the key of an object' : 'is about the whole store and takes no key';
  throw new SecureStoreError('INVALID_ARGUMENT', `action ${action} ${rest}`);
}

/** What is longer is not repeated in an error, in characters. */
const MAX_SHOWN = 64;

/** What an error says of something that is no action. */
export function unknownAction(value: unknown): string {
  const isShort = typeof value === 'string' && value.length <= MAX_SHOWN;
  return isShort ? `unknown action ${JSON.stringify(value)}` : 'unknown action';
}

const VIEWS: ReadonlySet<Action> = new Set(['read', 'list', 'history', 'verify', 'health']);

/** Whether an action changes nothing. */
export function changesNothing(action: Action): boolean {
  return VIEWS.has(action) || action.endsWith('.view');
}

/** The bits of the actions that a pattern means; 0 if it means none. */
export function bitsOf(pattern: string): number {
  if (pattern === '*') return ACTIONS.reduce((bits, action) => bits | bitOf(action), 0);
  if (!pattern.endsWith('.*')) return NUMBERS.has(pattern) ? bitOf(pattern as Action) : 0;
  const group = pattern.slice(0, -1);
  return ACTIONS.filter((action) => action.startsWith(group)).reduce((bits, action) => bits | bitOf(action), 0);
}

/** Whether a pattern means no action that is about an object, or can be: approving is about what is approved. */
export function isAboutStoreAlone(pattern: string): boolean {
  const bits = bitsOf(pattern);
  return !ACTIONS.some((action) => (action === 'approve' || isObjectAction(action)) && (bits & bitOf(action)) !== 0);
}
