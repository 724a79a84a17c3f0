/** What was given instead of what is wanted, for a message: a number itself, and of anything else, which may be a secret, its type. */
export function shownValue(value: unknown): string {
  if (typeof value === 'number' || value === undefined || value === null) return String(value);
  if (Array.isArray(value)) return 'an array';
  return typeof value === 'object' ? 'an object' : `a ${typeof value}`;
}
