import type { RecoveryPoints } from '@securestore/backup';
import type { HealthOptions } from '@securestore/health';
import type { ObjectAction } from './actions.ts';

/** Who calls, and what they may know of. */
export interface Caller {
  readonly principal: string;
  /** Whether they may know that there is, or was, an object of that name. */
  readonly sees: (key: string) => boolean;
}

/** What points were, as a session may look at it: it shows what its principal may know of. */
export type RecoveryPointAdministration = {
  readonly [Call in Exclude<keyof RecoveryPoints, 'browse' | 'find' | 'compare'>]: RecoveryPoints[Call];
} & {
  readonly [Call in 'browse' | 'find' | 'compare']: (
    options: Parameters<RecoveryPoints[Call]>[0],
  ) => ReturnType<RecoveryPoints[Call]>;
};

type ForCaller = (given: readonly unknown[], caller: Caller) => readonly unknown[];

/** Calls that show names, as far as these begin with the `prefix` of their options. */
const LISTINGS: readonly string[] = ['recoveryPoints.browse', 'recoveryPoints.find', 'recoveryPoints.compare'];

const filtered: ForCaller = ([options], { sees }) => [options, sees];

/** A restore tells of those objects alone that its caller may know of; the report counts all. */
function seenAlone(options: unknown, sees: Caller['sees']): object {
  const tell: unknown = Object(options).onObject;
  if (typeof tell !== 'function') return {};
  const onObject = (object: { readonly key: string }): unknown =>
    sees(object.key) ? Reflect.apply(tell, undefined, [object]) : undefined;
  return { onObject };
}

/** What calls are told of who calls, whatever else they were given in its place. */
export const FOR_CALLER: Readonly<Record<string, ForCaller>> = {
  ...Object.fromEntries(LISTINGS.map((call) => [call, filtered])),
  // What is wrong with an object `scrub` and `verify` tell, which take more.
  health: ([options]) => [{ ...Object(options), keys: false } satisfies HealthOptions],
  // What decides about each change is for the session itself.
  restore: ([destination, options], { principal, sees }) => [
    destination,
    { ...Object(options), ...seenAlone(options, sees), by: principal, onChange: undefined },
  ],
  'backups.restoreStore': ([destination, to, options], { principal }) => [
    destination,
    to,
    { ...Object(options), by: principal },
  ],
};

/** Whether a call lists names, page by page. */
export const isListing = (call: string): boolean => LISTINGS.includes(call);

/** What calls take on the object that they are about, which is what they are given first. */
export const ABOUT_OBJECTS: Readonly<Record<string, readonly ObjectAction[]>> = {
  'recoveryPoints.versions': ['history'],
  'recoveryPoints.retrieveStream': ['read', 'history'],
};

/** What the names begin with that a call shows, where it shows names. */
export function prefixIn(call: string, [options]: readonly unknown[]): string | undefined {
  const prefix: unknown = LISTINGS.includes(call) ? Object(options).prefix : undefined;
  return typeof prefix === 'string' && prefix !== '' ? prefix : undefined;
}
