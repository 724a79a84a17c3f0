import type { Action, Operation } from '../operations.ts';
import { isMutation } from '../operations.ts';
import type { Recorded } from '../world.ts';

const hasCondition = (action: Action): boolean =>
  action.type === 'undelete' ||
  ('ifVersion' in action && action.ifVersion !== undefined) ||
  ('ifAbsent' in action && action.ifAbsent);

/** Whether an operation may end with the code of its error, in a store that nobody has damaged. */
function isAllowed({ action, outcome }: Operation): boolean {
  if (outcome.type === 'ok') return true;
  switch (outcome.code) {
    case 'UNAVAILABLE':
    case 'ABORTED':
      return true;
    case 'LOCKED':
      // Whose slot is gone can't read what is under newer keys.
      return isMutation(action) || outcome.reason === 'slot-removed';
    case 'CONFLICT':
      return hasCondition(action);
    case 'NOT_FOUND':
      return action.type !== 'store' && action.type !== 'delete' && action.type !== 'purge' && action.type !== 'has';
    default:
      return outcome.type === 'unknown' && outcome.code === undefined;
  }
}

/** Whether what an operation met may be a write that landed after its key was retired and was not acknowledged by then. */
const metLateWrite = ({ key, outcome, invoked, returned }: Operation, operations: readonly Operation[]): boolean =>
  outcome.type !== 'ok' &&
  outcome.message.includes('with a retired encryption key') &&
  operations.some(
    (other) =>
      other.key === key &&
      isMutation(other.action) &&
      other.invoked < returned &&
      (other.outcome.type === 'unknown' || other.returned > invoked),
  );

/** Only errors that the surface documents: nothing is damaged, and nothing unexpected happens. */
export function errors({ operations }: Recorded): string[] {
  return operations
    .filter((operation) => !isAllowed(operation) && !metLateWrite(operation, operations))
    .map(
      ({ id, outcome }) => `#${id} ended with ${outcome.type === 'ok' ? '' : `${outcome.code}: ${outcome.message}`}`,
    );
}
