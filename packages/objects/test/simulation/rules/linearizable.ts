import type { Operation } from '../operations.ts';
import { isMutation } from '../operations.ts';
import type { Recorded } from '../world.ts';
import { byKey, contentsOf } from './by-key.ts';
import { isLeftBehind } from './revocation.ts';
import type { Lookup, State } from './model.ts';
import { ABSENT, step } from './model.ts';

/** Whether an operation says anything about the state of its object at one moment. */
function isTelling({ action, outcome }: Operation): boolean {
  if (action.type === 'history' || action.type === 'retrieveVersion') return false;
  if (outcome.type === 'ok') return true;
  if (outcome.type === 'unknown') return isMutation(action);
  if (outcome.code === 'CONFLICT') return true;
  // What is brought back is looked for in the history, which is not read at one moment.
  return outcome.code === 'NOT_FOUND' && action.type !== 'undelete' && action.type !== 'restoreVersion';
}

/**
 * A search for an order of the operations in which each is answered as it was, that keeps to the times at which they
 * began and ended. What has an unknown outcome may have taken effect at any time after it began, or never.
 */
class Search {
  readonly #operations: readonly Operation[];
  readonly #lookup: Lookup;
  readonly #tried = new Set<string>();
  readonly #done: boolean[];
  #certain: number;

  constructor(operations: readonly Operation[], lookup: Lookup) {
    // What ended first comes first, so that most searches never turn back.
    this.#operations = operations.toSorted((a, b) => endOf(a) - endOf(b) || a.invoked - b.invoked);
    this.#lookup = lookup;
    this.#done = this.#operations.map(() => false);
    this.#certain = operations.filter(({ outcome }) => outcome.type !== 'unknown').length;
  }

  succeeds(state: State = ABSENT): boolean {
    if (this.#certain === 0) return true;
    const point = this.#done.map(Number).join('') + JSON.stringify(Object.values(state));
    if (this.#tried.has(point)) return false;
    this.#tried.add(point);
    let earliest = Number.POSITIVE_INFINITY;
    for (const [index, operation] of this.#operations.entries()) {
      if (!this.#done[index]) earliest = Math.min(earliest, endOf(operation));
    }
    for (const [index, operation] of this.#operations.entries()) {
      if (this.#done[index] || operation.invoked > earliest) continue;
      const next = step(state, operation, this.#lookup);
      if (next !== undefined && this.#follow(index, operation, next)) return true;
    }
    return false;
  }

  #follow(index: number, { outcome }: Operation, next: State): boolean {
    const certain = outcome.type === 'unknown' ? 0 : 1;
    this.#done[index] = true;
    this.#certain -= certain;
    const found = this.succeeds(next);
    this.#done[index] = false;
    this.#certain += certain;
    return found;
  }
}

const endOf = ({ outcome, returned }: Operation): number =>
  outcome.type === 'unknown' ? Number.POSITIVE_INFINITY : returned;

/** No acknowledged write is lost, and reads return what was current: every object behaves like a variable. */
export function linearizable(recorded: Recorded): string[] {
  const operations = recorded.operations.filter((operation) => !isLeftBehind(recorded, operation));
  const violations: string[] = [];
  for (const [key, own] of byKey(operations)) {
    const contents = contentsOf(own);
    const search = new Search(own.filter(isTelling), (version) => contents.get(version));
    if (!search.succeeds()) violations.push(`${key}: no order of its operations explains what they returned`);
  }
  return violations;
}
