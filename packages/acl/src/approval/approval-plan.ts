import { hash } from 'node:crypto';
import { SecureStoreError } from '@securestore/core-format';

/** Plain data, as JSON has it. */
export type PlanValue =
  | string
  | number
  | boolean
  | null
  | readonly PlanValue[]
  | { readonly [name: string]: PlanValue };

/** What a plan does with one object. */
export interface PlannedObject {
  readonly key: string;
  readonly effect: 'create' | 'replace' | 'delete';
}

/**
 * What an attempt would do, worked out by the store when its approval was asked for. The approval passes an attempt only if it would still do
 * exactly this.
 */
export interface ApprovalPlan {
  /** The call, such as `restore`; of what is about a single object the action. */
  readonly call: string;
  /** What the call is given, as far as it is no secret. What is too long to be shown as a whole says how long it is. */
  readonly about?: Readonly<Record<string, PlanValue>>;
  /** How many objects it creates, replaces and deletes; absent if only running it shows that. */
  readonly creates?: number;
  readonly replaces?: number;
  readonly deletes?: number;
  /** Some of these objects: the first 20, of them those that whoever looks may see. */
  readonly objects?: readonly PlannedObject[];
  /** How many of these objects are not in `objects`. */
  readonly unnamed?: number;
  /** SHA-256, base64url, of everything that the approval is bound to; absent for those who may not see all of it. */
  readonly digest?: string;
}

/** A plan as it is stored. */
export type StoredPlan = ApprovalPlan & { readonly digest: string };

/** Tells the digests of plans from any other hash. */
const DOMAIN = 'securestore approval plan 1\n';
const MAX_OBJECTS = 20;
/** The most of each that is stored, in characters of JSON: all requests lie in one document. */
const MAX_OBJECTS_TEXT = 2048;
const MAX_ABOUT_TEXT = 2048;
const MAX_ABOUT_NAMES = 32;
const MAX_ABOUT_NAME = 64;

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value) && !(value instanceof Date);
}

/** Deeper than this no call is given anything. */
export const MAX_DEPTH = 32;

/**
 * What of a value is plain data; `undefined` for functions, bytes and the like. Times are texts.
 *
 * @throws SecureStoreError `INVALID_ARGUMENT` for what is nested more than 32 times
 */
export function plain(value: unknown, depth = 0): PlanValue | undefined {
  if (value === null || typeof value === 'string' || typeof value === 'boolean') return value;
  if (typeof value === 'number') return Number.isFinite(value) ? value : null;
  if (value instanceof Date) return Number.isNaN(value.getTime()) ? null : value.toISOString();
  if (depth > MAX_DEPTH)
    throw new SecureStoreError('INVALID_ARGUMENT', `the arguments of a call must be nested at most ${MAX_DEPTH} times`);
  if (Array.isArray(value)) return value.map((one) => plain(one, depth + 1) ?? null);
  if (!isRecord(value) || ArrayBuffer.isView(value)) return undefined;
  return plainRecord(value, depth + 1);
}

/** The members of a record that are plain data. @throws as {@link plain} */
export function plainRecord(record: Readonly<Record<string, unknown>>, depth = 0): Record<string, PlanValue> {
  const members = Object.entries(record).flatMap(([name, value]) => {
    const data = plain(value, depth);
    return data === undefined ? [] : [[name, data] as const];
  });
  return Object.fromEntries(members);
}

/** JSON with the members of every object in the order of their names: one text for one value. */
function canonical(value: PlanValue): string {
  if (Array.isArray(value)) return `[${value.map(canonical).join(',')}]`;
  if (!isRecord(value)) return JSON.stringify(value);
  const members = Object.entries(value as Readonly<Record<string, PlanValue>>).toSorted(([one], [other]) =>
    one < other ? -1 : 1,
  );
  return `{${members.map(([name, member]) => `${JSON.stringify(name)}:${canonical(member)}`).join(',')}}`;
}

/** What tells one plan, or a part of one, from all others. */
export function digestOf(value: PlanValue): string {
  return hash('sha256', DOMAIN + canonical(value), 'base64url');
}

/** A value of which a part alone is shown, and that says so. */
function partOf(value: PlanValue, length: number): PlanValue {
  if (Array.isArray(value)) return `${value.length} of them`;
  const text = typeof value === 'string' ? value : JSON.stringify(value);
  return `${text.slice(0, length).toWellFormed()}… (${text.length} characters)`;
}

/**
 * How much of it is shown. Each value has its share, so that a long one keeps no other one from being shown.
 *
 * @throws SecureStoreError `INVALID_ARGUMENT` for more names than any call has, or longer ones
 */
function shortened(about: Readonly<Record<string, PlanValue>>): Readonly<Record<string, PlanValue>> {
  const entries = Object.entries(about);
  if (entries.length > MAX_ABOUT_NAMES || entries.some(([name]) => name.length > MAX_ABOUT_NAME))
    throw new SecureStoreError(
      'INVALID_ARGUMENT',
      `the arguments of a call must have at most ${MAX_ABOUT_NAMES} names, each of at most ${MAX_ABOUT_NAME} characters`,
    );
  if (JSON.stringify(about).length <= MAX_ABOUT_TEXT) return about;
  const share = Math.floor(MAX_ABOUT_TEXT / entries.length);
  return Object.fromEntries(
    entries.map(([name, value]) => [name, JSON.stringify(value).length <= share ? value : partOf(value, share)]),
  );
}

/** What a plan is made of. */
export interface PlanParts extends Pick<ApprovalPlan, 'call' | 'creates' | 'replaces' | 'deletes'> {
  readonly about?: Readonly<Record<string, PlanValue>>;
  /** The first objects that it changes. */
  readonly objects?: readonly PlannedObject[];
  /** What the approval is bound to beside `call` and `about`. */
  readonly bound: PlanValue;
}

/** A plan with its digest; what is too long to be stored is bound all the same. */
export function planOf({ call, about = {}, creates, replaces, deletes, objects = [], bound }: PlanParts): StoredPlan {
  const named: PlannedObject[] = [];
  for (const object of objects.slice(0, MAX_OBJECTS)) {
    if (JSON.stringify([...named, object]).length > MAX_OBJECTS_TEXT) break;
    named.push(object);
  }
  const shown = shortened(about);
  const changed = (creates ?? 0) + (replaces ?? 0) + (deletes ?? 0);
  return {
    call,
    ...(Object.keys(shown).length > 0 && { about: shown }),
    ...(creates !== undefined && { creates }),
    ...(replaces !== undefined && { replaces }),
    ...(deletes !== undefined && { deletes }),
    ...(named.length > 0 && { objects: named }),
    ...(changed > named.length && { unnamed: changed - named.length }),
    digest: digestOf({ call, about, bound }),
  };
}

/** What was asked for, without what was found out for it: how many versions a purge would remove. */
function askedIn({ call, about = {} }: ApprovalPlan): string {
  const { versions: _, ...asked } = about;
  return digestOf({ call, about: call === 'purge' ? asked : about });
}

/** Whether two plans that differ are of the same operation, and so of what it would do at different times. */
export function isSameOperation(one: ApprovalPlan, other: ApprovalPlan): boolean {
  // Of what has no effect to be found out two plans differ by what they don't show, such as credentials.
  const hasEffect = other.creates !== undefined || other.call === 'access.change';
  return hasEffect && askedIn(one) === askedIn(other);
}

/** Members of `about` that are, or begin, names of objects. */
const NAMES: readonly string[] = ['prefix', 'into'];
/** The member of `about` that says how the policy would change. */
export const POLICY_CHANGES = 'changes';

/** What somebody who looks at a plan may know. */
export interface PlanViewer {
  /** Whether they may know that there is an object of that name. */
  readonly sees: (key: string) => boolean;
  /** The same for the beginning of names. */
  readonly seesBelow: (prefix: string) => boolean;
  /** Whether they may know who may do what. */
  readonly seesPolicy: boolean;
}

/** A plan as somebody may see it: objects that they may not see are counted. */
export function shownPlan(plan: StoredPlan, { sees, seesBelow, seesPolicy }: PlanViewer): ApprovalPlan {
  const { objects = [], unnamed = 0, about = {}, digest, ...rest } = plan;
  const seen = objects.filter(({ key }) => sees(key));
  const hidden = objects.length - seen.length;
  const isKnown = (name: string, value: PlanValue): boolean =>
    name === POLICY_CHANGES && rest.call === 'access.change'
      ? seesPolicy
      : NAMES.includes(name)
        ? value === '' || (typeof value === 'string' && seesBelow(value))
        : true;
  const told = Object.entries(about).flatMap(([name, value]): [string, PlanValue][] => {
    if (name !== 'keys' || !Array.isArray(value)) return isKnown(name, value) ? [[name, value]] : [];
    const keys = value.filter((key) => typeof key === 'string' && sees(key));
    return [[name, keys.length === value.length ? keys : [...keys, `${value.length - keys.length} more`]]];
  });
  const isWhole = hidden === 0 && unnamed === 0 && JSON.stringify(Object.fromEntries(told)) === JSON.stringify(about);
  return {
    ...rest,
    ...(told.length > 0 && { about: Object.fromEntries(told) }),
    ...(seen.length > 0 && { objects: seen }),
    ...(hidden + unnamed > 0 && { unnamed: hidden + unnamed }),
    ...(isWhole && { digest }),
  };
}

const EFFECTS: readonly unknown[] = ['create', 'replace', 'delete'] satisfies readonly PlannedObject['effect'][];
const isCount = (value: unknown): boolean => value === undefined || (Number.isSafeInteger(value) && Number(value) >= 0);

function isPlannedObject(value: unknown): value is PlannedObject {
  return isRecord(value) && typeof value['key'] === 'string' && EFFECTS.includes(value['effect']);
}

/** A plan that was stored; `undefined` for what is none. */
export function readPlan(value: unknown): StoredPlan | undefined {
  if (!isRecord(value)) return undefined;
  const { call, about, creates, replaces, deletes, objects, unnamed, digest } = value;
  if (typeof call !== 'string' || typeof digest !== 'string' || !/^[\w-]{43}$/.test(digest)) return undefined;
  if (about !== undefined && !isRecord(about)) return undefined;
  if (![creates, replaces, deletes, unnamed].every(isCount)) return undefined;
  if (objects !== undefined && !(Array.isArray(objects) && objects.every(isPlannedObject))) return undefined;
  return value as unknown as StoredPlan;
}
