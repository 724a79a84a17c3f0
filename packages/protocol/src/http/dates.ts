/** A value as JSON carries it, with its times, wherever they are, as ISO 8601. */
export type Wire<T> = T extends Date
  ? string
  : T extends readonly (infer Item)[]
    ? Wire<Item>[]
    : T extends object
      ? { [Name in keyof T]: Wire<T[Name]> }
      : T;

/** The names under which times travel in what is known of objects. */
const OBJECT_TIMES: ReadonlySet<string> = new Set(['created', 'modified', 'expires']);

/** Members whose names somebody else has chosen. */
const UNTOUCHED: ReadonlySet<string> = new Set(['metadata', 'about']);

/**
 * A value that came as JSON, with the times under `names` as such. What somebody has stored as metadata stays as it is, and so
 * does what a call is given that is to be approved: there "to" is a store URL.
 *
 * @param names of members, at any depth
 */
export function withDates(value: unknown, names: ReadonlySet<string> = OBJECT_TIMES): unknown {
  if (Array.isArray(value)) return value.map((item) => withDates(item, names));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([name, member]: [string, unknown]) => {
      if (UNTOUCHED.has(name)) return [name, member];
      if (typeof member === 'string' && names.has(name)) return [name, new Date(member)];
      return [name, withDates(member, names)];
    }),
  );
}
