import { refuse, refuseOption } from '../repository/errors.ts';
import type { RestoreIntoOptions, RestoreOptions } from './restore-types.ts';
import { POLICIES } from './restore-types.ts';

/** @throws SecureStoreError `INVALID_ARGUMENT` */
export function checkRestoreInto({
  prefix,
  keys,
  into,
  conflict = 'fail',
  deleteExtra,
  onObject,
  onChange,
}: RestoreIntoOptions): void {
  if (onObject !== undefined && typeof onObject !== 'function') refuseOption('onObject', 'must be a function');
  if (onChange !== undefined && typeof onChange !== 'function') refuseOption('onChange', 'must be a function');
  if (!POLICIES.includes(conflict)) refuseOption('conflict', `must be one of ${POLICIES.join(', ')}`);
  if (keys !== undefined && prefix !== undefined) refuse('the options "prefix" and "keys" exclude each other');
  if (keys !== undefined && !(Array.isArray(keys) && keys.every((key) => typeof key === 'string'))) {
    refuseOption('keys', 'must be a list of strings');
  }
  if (into !== undefined && typeof into !== 'string') refuseOption('into', 'must be a string');
  if (into !== undefined && keys !== undefined && keys.length !== 1 && !isFolder(into)) {
    refuseOption('into', 'must end with "/" for several keys');
  }
  if (deleteExtra === true && (keys !== undefined || conflict === 'rename')) {
    refuseOption('deleteExtra', 'excludes the option "keys" and the conflict policy "rename"');
  }
}

/** Whether restored keys are put below what they are restored into, or into the root. */
export function isFolder(into: string): boolean {
  return into === '' || into.endsWith('/');
}

/** Whether the whole store is restored in place. */
export function isWhole({ prefix = '', keys, into, dryRun }: RestoreOptions): boolean {
  return prefix === '' && keys === undefined && into === undefined && dryRun !== true;
}
