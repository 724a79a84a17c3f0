import type { Action, Content, Operation } from '../operations.ts';
import { dataOf, tagOf } from '../operations.ts';

/** One object as its callers see it; what nobody has seen yet is `undefined`. */
export interface State extends Content {
  readonly live: boolean;
  /** The greatest version number that it is known to have had. */
  readonly highest: string;
}

export const ABSENT: State = { live: false, highest: '' };

/** Looks up what a version of the object at hand holds. */
export type Lookup = (version: string) => Content | undefined;

const numberOf = (version: string): string => version.slice(0, version.indexOf('-'));

const agree = (a: string | undefined, b: string | undefined): boolean => a === undefined || b === undefined || a === b;

/** The state with what an observation adds to it; `undefined` where they contradict each other. */
function observe(state: State, seen: Content): State | undefined {
  if (!state.live) return undefined;
  if (!agree(state.data, seen.data) || !agree(state.tag, seen.tag) || !agree(state.version, seen.version))
    return undefined;
  const { version } = seen;
  const fresh = state.version === undefined && version !== undefined;
  if (fresh && numberOf(version) <= state.highest) return undefined;
  return {
    live: true,
    data: state.data ?? seen.data,
    tag: state.tag ?? seen.tag,
    version: state.version ?? version,
    highest: fresh ? numberOf(version) : state.highest,
  };
}

/** A new version in the place of what was there. */
function replace(state: State, content: Content): State | undefined {
  return observe({ live: true, highest: state.highest }, content);
}

/** The state where a condition holds; `undefined` where it doesn't. */
function holding(state: State, action: Action): State | undefined {
  if ('ifAbsent' in action && action.ifAbsent) return state.live ? undefined : state;
  if ('ifVersion' in action && action.ifVersion !== undefined) return observe(state, { version: action.ifVersion });
  return state;
}

const deleted = (state: State): State => ({ live: false, highest: state.highest });

/** What a mutation that takes effect makes of the object. @param result what its caller was told of the new version */
function effect(state: State, { id, action }: Operation, result: Content, lookup: Lookup): State | undefined {
  const base = holding(state, action);
  if (base === undefined) return undefined;
  switch (action.type) {
    case 'store':
      return replace(base, { ...result, data: dataOf(id), tag: tagOf(id) });
    case 'setMetadata':
      return base.live ? replace(base, { ...result, data: base.data, tag: tagOf(id) }) : undefined;
    case 'restoreVersion': {
      const source = lookup(action.version);
      return replace(base, { data: source?.data, tag: source?.tag ?? result.tag, version: result.version });
    }
    case 'undelete':
      return base.live ? undefined : replace(base, result);
    default:
      return deleted(base);
  }
}

/** A failed condition, or an object that had to be there. */
function refused(state: State, { action, outcome }: Operation): State | undefined {
  if (outcome.type !== 'failed') return undefined;
  if (outcome.code === 'NOT_FOUND') return state.live ? undefined : state;
  const { currentVersion } = outcome;
  if (currentVersion === undefined) {
    return state.live || action.type === 'undelete' || ('ifAbsent' in action && action.ifAbsent) ? undefined : state;
  }
  if ('ifVersion' in action && action.ifVersion === currentVersion) return undefined;
  return observe(state, { version: currentVersion });
}

/** The object after an operation that took effect, or was answered, at this moment; `undefined` where it can't have been. */
export function step(state: State, operation: Operation, lookup: Lookup): State | undefined {
  const { action, outcome } = operation;
  if (outcome.type === 'failed') return refused(state, operation);
  if (outcome.type === 'unknown') return effect(state, operation, {}, lookup);
  switch (action.type) {
    case 'retrieve':
      return observe(state, outcome.content ?? {});
    case 'has':
      return state.live === outcome.existed ? state : undefined;
    case 'delete':
      if (outcome.existed !== state.live) return undefined;
      return state.live ? effect(state, operation, {}, lookup) : holding(state, action);
    case 'purge':
      return state.live && outcome.existed !== true ? undefined : deleted(state);
    default:
      return effect(state, operation, outcome.content ?? {}, lookup);
  }
}
