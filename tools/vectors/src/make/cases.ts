import { objectName, parseStoreKey } from '../../../../packages/core-format/src/index.ts';
import type { ErrorCode } from '../../../../packages/core-format/src/index.ts';
import type { Base } from './base.ts';
import type { Change } from './bytes.ts';
import { namesOf } from './make.ts';
import type { Fault } from './make.ts';
import type { Unlock } from './secrets.ts';

/** What a reader is asked to do with a store. */
export type Action =
  | { readonly do: 'open' }
  | { readonly do: 'retrieve'; readonly key: string; readonly version?: string }
  | { readonly do: 'list' }
  | { readonly do: 'own'; readonly object: string };

export interface Anchor {
  readonly instance: string;
  readonly generation: number;
  readonly fingerprint: string;
  readonly head?: string;
}

/** A vector before it is made. */
export interface Case {
  readonly name: string;
  readonly description: string;
  /** The requirement of the specification that it is about. */
  readonly rule?: string;
  /** Absent where nothing is wrong with the store. */
  readonly fault?: Fault;
  /** By default the raw key. */
  readonly unlock?: Unlock;
  readonly fingerprint?: string;
  readonly anchor?: Anchor;
  readonly action: Action;
  readonly expect: 'ok' | ErrorCode;
  /** How many bytes of the payload are released before a failure; 0 by default. */
  readonly released?: number;
  /** The version of the payload that is released, where it isn't the current one. */
  readonly past?: number;
}

type More = Partial<Pick<Case, 'rule' | 'released' | 'unlock' | 'action' | 'fingerprint' | 'anchor' | 'past'>>;

/** What gives one kind of case its common parts. */
export function caseOf(
  action: Action,
): (name: string, description: string, stage: string, change: Change, expect: Case['expect'], more?: More) => Case {
  return (name, description, stage, change, expect, more = {}) => ({
    name,
    description,
    fault: { stage, change },
    action,
    expect,
    ...more,
  });
}

export const retrieve = (key: string): Action => ({ do: 'retrieve', key });
export const OPEN: Action = { do: 'open' };

/** The stage of what lies at the backend under the name of an object. */
export function atObject(base: Base, key: string): string {
  return `at ${objectName(namesOf(base).locate(parseStoreKey(key)).token)}`;
}
