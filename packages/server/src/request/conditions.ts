import type { IncomingHttpHeaders } from 'node:http';
import { SecureStoreError } from '@securestore/core-format';

function invalid(message: string): never {
  throw new SecureStoreError('INVALID_ARGUMENT', message);
}

/** The version in an entity tag of ours; `undefined` if it is none, as a weak one isn't. */
function versionIn(tag: string): string | undefined {
  return /^"([\x21\x23-\x7e]+)"$/.exec(tag.trim())?.[1];
}

/**
 * That a version is the current one, by `If-Match`; `undefined` without that header.
 *
 * @throws SecureStoreError `INVALID_ARGUMENT` for what is not one strong entity tag: passed over it would be a condition that nobody keeps
 */
export function ifVersionOf({ 'if-match': given }: IncomingHttpHeaders): { readonly ifVersion: string } | undefined {
  if (given === undefined) return undefined;
  return { ifVersion: versionIn(given) ?? invalid('the header If-Match must be the entity tag of one version') };
}

/** That there is no such object, by `If-None-Match`. @throws SecureStoreError `INVALID_ARGUMENT` for anything but `*` */
export function ifAbsentOf({ 'if-none-match': given }: IncomingHttpHeaders): { readonly ifAbsent: true } | undefined {
  if (given === undefined) return undefined;
  if (given.trim() !== '*') invalid('the header If-None-Match must be * for a write');
  return { ifAbsent: true };
}

/** That the record is damaged, by the query. */
export function ifDamagedOf(query: { readonly ifDamaged?: string }): { readonly ifDamaged: true } | undefined {
  return query.ifDamaged === 'true' ? { ifDamaged: true } : undefined;
}

/** The only condition of a request, if it has one. @throws SecureStoreError `INVALID_ARGUMENT` for several */
export function conditionIn<C extends readonly (object | undefined)[]>(
  ...conditions: C
): Exclude<C[number], undefined> | undefined {
  const given = conditions.filter((one): one is Exclude<C[number], undefined> => one !== undefined);
  const [condition, another] = given;
  if (another !== undefined) invalid('If-Match, If-None-Match and ifDamaged exclude each other');
  return condition;
}

/** Whether a reader has this version already, by `If-None-Match`; weak tags count, as they do for readers. */
export function isKnown({ 'if-none-match': given }: IncomingHttpHeaders, version: string): boolean {
  if (given === undefined) return false;
  const tags = given.split(',').map((tag) => tag.trim().replace(/^W\//, ''));
  return tags.some((tag) => tag === '*' || versionIn(tag) === version);
}

/** Whether a range is of the version that a reader has begun with, by `If-Range`. */
export function isSameRange({ 'if-range': given }: IncomingHttpHeaders, version: string): boolean {
  // A date says too little: two versions may be of one second.
  return typeof given !== 'string' || versionIn(given) === version;
}

/** The bytes that somebody asks for. */
export type AskedRange = { readonly start: number; readonly end?: number } | { readonly last: number };

/**
 * What `Range` asks for. Several ranges, other units and what is malformed are passed over, as HTTP wants it: then everything is sent.
 */
export function rangeOf({ range }: IncomingHttpHeaders): AskedRange | undefined {
  const [, first = '', last = ''] = /^bytes=(\d{0,15})-(\d{0,15})$/.exec(range ?? '') ?? [];
  if (first === '') return last === '' ? undefined : { last: Number(last) };
  if (last === '') return { start: Number(first) };
  return Number(last) < Number(first) ? undefined : { start: Number(first), end: Number(last) + 1 };
}
