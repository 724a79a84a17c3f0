import { redactStoreUrl } from '@securestore/backend-api';
import { SecureStoreError } from '@securestore/core-format';
import type { AdministrationCall } from './administration.ts';
import { MAX_DEPTH, plain, plainRecord } from '../approval/approval-plan.ts';
import type { PlanValue } from '../approval/approval-plan.ts';

/** What a call is given. */
export type Given = readonly unknown[];
/** The same by name. */
export type About = Readonly<Record<string, unknown>>;

const text = (value: unknown): unknown => (typeof value === 'string' ? value : undefined);
const options = (value: unknown): About => plainRecord(Object(value) as About);

function without(value: unknown, ...names: readonly string[]): About {
  return Object.fromEntries(Object.entries(options(value)).filter(([name]) => !names.includes(name)));
}

const ENDS = ['signal', 'timeout'] as const;
/** What of a restore is for whoever calls, and changes nothing in the store. */
export const NOT_RESTORED: readonly string[] = [...ENDS, 'by', 'onObject', 'onChange', 'dryRun', 'verify'];

const atDestination = ([destination, given]: Given): About => ({
  ...without(given, ...ENDS),
  destination: text(destination),
});
const ofTarget = ([target, given]: Given): About => ({ ...without(given, ...ENDS), target });
const ofId = ([id]: Given): About => ({ id });
const ofOptions = ([given]: Given): About => without(given, ...ENDS);

/** What calls are given that is no secret, by name. Calls that are not here are bound by their name alone. */
const ABOUT: Readonly<Partial<Record<AdministrationCall, (given: Given) => About>>> = {
  restore: ([destination, given]) => ({ ...without(given, ...NOT_RESTORED), destination: text(destination) }),
  rotateEncryptionKey: ([, , given]) => ({ depth: (Object(given) as About)['depth'] }),
  checkpoint: ofOptions,
  gc: ofOptions,
  scrub: ([given]) => ({ ...without(given, ...ENDS), repair: text((Object(given) as About)['repair']) }),
  backup: atDestination,
  'backups.drill': atDestination,
  'backups.verify': atDestination,
  'backups.register': atDestination,
  'backups.unregister': atDestination,
  'backups.retain': atDestination,
  'backups.setRetention': ([destination, retention]) => ({ destination: text(destination), retention }),
  'backups.forget': ([destination]) => ({ destination: text(destination) }),
  'backups.restoreStore': ([destination, to, given]) => ({
    ...without(given, ...ENDS, 'by'),
    destination: text(destination),
    to: text(to),
  }),
  'recoveryPoints.retrieveStream': ([, given]) => {
    const { destination, at, snapshot, version } = Object(given) as About;
    return { destination: text(destination), at, snapshot, version: text(version) };
  },
  'schedules.add': ofOptions,
  'schedules.remove': ofId,
  'slots.remove': ofId,
  'encryptionKeys.destroy': ofTarget,
  'encryptionKeys.undo': ofTarget,
  'jobs.resume': ofId,
  'jobs.cancel': ofId,
  'jobs.forget': ofId,
  'access.createToken': ([principal, given]) => ({ ...without(given, ...ENDS), principal }),
  'access.revokeToken': ofId,
  'settings.change': ([changes, given]) => ({ ...options(changes), ...without(given, ...ENDS) }),
  'members.add': ([name, recipient, grant]) => ({ ...without(grant, ...ENDS), name, recipient }),
  'members.revoke': ([name]) => ({ name }),
  'audit.enable': ([given]) => {
    const { auditor, mode } = Object(given) as About;
    return { auditor, mode };
  },
};

/** So many of what a call is given first are secrets, which stay what they are. */
const SECRETS: Readonly<Partial<Record<AdministrationCall, number>>> = { rotateEncryptionKey: 2 };

/** What a value says of itself now. */
function copied(value: unknown, depth = 0): unknown {
  if (depth > MAX_DEPTH || typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value)) return value.map((one) => copied(one, depth + 1));
  if (value instanceof Date) return new Date(value);
  if (value instanceof AbortSignal || ArrayBuffer.isView(value)) return value;
  return Object.fromEntries(Object.entries(value).map(([name, one]) => [name, copied(one, depth + 1)]));
}

/** What a call is given, as it is now: what is asked about is what is done, whatever an object says when it is asked twice. */
export function givenOnce(call: AdministrationCall, given: Given): Given {
  if (ABOUT[call] === undefined) return given;
  return given.map((one, at) => (at < (SECRETS[call] ?? 0) ? one : copied(one)));
}

/** What a call is given that is no secret but for credentials in store URLs, as plain data by name. */
export function aboutOf(call: AdministrationCall, given: Given): Record<string, PlanValue> {
  return plainRecord(ABOUT[call]?.(given) ?? {});
}

/** @throws SecureStoreError `INVALID_ARGUMENT` */
export function timeIn(name: string, value: unknown): Date {
  const time = new Date(typeof value === 'string' ? value : Number.NaN);
  if (!Number.isNaN(time.getTime())) return time;
  throw new SecureStoreError(
    'INVALID_ARGUMENT',
    `the member "${name}" must be a time in ISO 8601, such as 2026-11-27T12:00:00.000Z`,
    {
      option: name,
    },
  );
}

/** What somebody described, with its times as calls are given them. @throws SecureStoreError `INVALID_ARGUMENT` */
export function described(about: About): Record<string, PlanValue> {
  const data = plainRecord(about);
  const times = ['at', 'expires'].filter((name) => data[name] !== undefined);
  return { ...data, ...Object.fromEntries(times.map((name) => [name, timeIn(name, data[name]).toISOString()])) };
}

/** What stands for a text that is not shown; keyed, so that nobody can try secrets with it. */
export type Seal = (text: string) => string;

/** What a plan says of what a call is given. */
interface ToldAbout {
  readonly about: Readonly<Record<string, PlanValue>>;
  /** What is not shown of it, sealed: two store URLs that look alike without credentials can be two places. */
  readonly hidden: Readonly<Record<string, PlanValue>>;
}

// Older clients say `source` for the destination that is restored from.
const STORE_URLS: readonly string[] = ['destination', 'source', 'to', 'repair', 'scratch'];

/** What a plan says of what a call is given: store URLs without credentials, to which the plan is bound all the same. */
export function told(about: Readonly<Record<string, PlanValue>>, seal: Seal): ToldAbout {
  const hidden: Record<string, PlanValue> = {};
  const shown = Object.entries(about).map(([name, value]): [string, PlanValue] => {
    if (!STORE_URLS.includes(name) || typeof value !== 'string') return [name, plain(value) ?? null];
    const redacted = redactStoreUrl(value);
    if (redacted !== value) hidden[name] = seal(value);
    return [name, redacted];
  });
  return { about: Object.fromEntries(shown), hidden };
}
