/**
 * An option of `store` that restores give: if the object has no record, its history is looked for, which the new version then follows. Otherwise a
 * store creates an object without that request, and its older versions, if its record was lost, belong to no object any more.
 */
export const CONTINUES_HISTORY: unique symbol = Symbol('continues history');

/** Whether a call of `store` is to continue the history of an object whose record was lost. */
export function continuesHistory(options: object | undefined): boolean {
  return options !== undefined && Reflect.get(options, CONTINUES_HISTORY) === true;
}
