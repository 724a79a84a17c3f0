import type { BackupFinding, DrillReport, Receipts, RestoreJobReport, SnapshotReport } from '@securestore/backup';
import { SecureStoreError } from '@securestore/core-format';

/** A backup, a drill, a verification of a backup and a restore tell names of objects only to callers who may list them. */
type Telling = Partial<
  Pick<DrillReport, 'names' | 'missing'> &
    Pick<RestoreJobReport, 'conflicts' | 'failed'> &
    Pick<SnapshotReport, 'missing' | 'forgotten'>
> & {
  /** Those of a restore are texts. */
  readonly findings?: readonly Partial<Pick<BackupFinding, 'keys'>>[];
};

/** The names of objects that a report tells: whoever may back up or restore need not know what there is. */
export function namesIn(report: unknown): ReadonlySet<string> {
  // What stands behind a session need not be a store of ours. Of a rotation, `failed` is a number.
  const { names = {}, findings = [], conflicts = [], failed, missing, forgotten } = Object(report) as Telling;
  const failures = Array.isArray(failed) ? (failed as NonNullable<Telling['failed']>) : [];
  const inFindings = findings.flatMap(({ keys = [] }) => keys);
  const lost = [missing, forgotten].flatMap((objects) => objects?.keys ?? []);
  // A record that a backup could not copy has no key.
  const failedKeys = failures.map(({ key }) => key).filter((key) => key !== undefined);
  return new Set([...Object.values(names), ...inFindings, ...conflicts, ...lost, ...failedKeys]);
}

const UNLISTED = 'an object that the caller may not list';

/** A report that tells everything but some of the names of {@link namesIn}. */
export function withoutNames<T>(report: T, hidden: ReadonlySet<string>): T {
  if (hidden.size === 0) return report;
  const { names, findings, conflicts, failed, missing, forgotten } = Object(report) as Telling;
  const shown = (keys: readonly string[]): readonly string[] => keys.filter((key) => !hidden.has(key));
  const seen = names && Object.fromEntries(Object.entries(names).filter(([, name]) => !hidden.has(name)));
  const told = findings?.map((finding) => {
    const { keys } = finding;
    return keys === undefined ? finding : { ...finding, keys: shown(keys) };
  });
  return {
    ...report,
    ...(seen && { names: seen }),
    ...(told && { findings: told }),
    ...(conflicts && { conflicts: shown(conflicts) }),
    ...(missing && { missing: { ...missing, keys: shown(missing.keys) } }),
    ...(forgotten && { forgotten: { ...forgotten, keys: shown(forgotten.keys) } }),
    // How many failed stays true.
    ...(Array.isArray(failed) && {
      failed: (failed as NonNullable<Telling['failed']>).map((one) =>
        hidden.has(one.key) ? { ...one, key: '', message: UNLISTED } : one,
      ),
    }),
  };
}

/** Calls whose errors name objects that whoever calls need not know, and what a conflict with one of these is. */
const CONFLICTS: Readonly<Record<string, string>> = {
  restore: `${UNLISTED} exists as another version. Nothing was changed.`,
  'settings.change': `${UNLISTED} would come into another category. Nothing was changed.`,
};

/** The keys that an error names, in its advice too. */
function keysIn({ key, advice = [] }: Pick<SecureStoreError, 'key' | 'advice'>): readonly string[] {
  const advised = advice.map((one) => ('key' in one ? one.key : undefined));
  return [key, ...advised].filter((one) => one !== undefined);
}

/** An error of a call, without the name of an object that may not be seen. */
export function withoutUnlistedName(call: string, error: unknown, mayList: (key: string) => boolean): unknown {
  const conflict = CONFLICTS[call];
  if (conflict === undefined || !SecureStoreError.is(error)) return error;
  if (keysIn(error).every((key) => isListed(key, mayList))) return error;
  const { code, retryable, outcome, operation } = error;
  const isConflict = code === 'CONFLICT';
  const what = isConflict ? conflict : `failed at ${UNLISTED}`;
  const advice = (error.advice ?? []).filter(({ id }) => id === 'choose-conflict-policy');
  return new SecureStoreError(code, `${call}: ${what}`, { detail: what, retryable, outcome, operation, advice });
}

/** A report with the names of those objects alone that may be seen. @param mayList whether an object may be seen */
export function withListedNames<T>(report: T, mayList: (key: string) => boolean): T {
  const hidden = [...namesIn(report)].filter((name) => !isListed(name, mayList));
  return withoutNames(report, new Set(hidden));
}

interface Named {
  readonly prefix?: string;
  readonly into?: string;
  readonly problems?: readonly string[];
}

/** Whether it is a name, and may be seen. */
function isListed(key: string, mayList: (key: string) => boolean): boolean {
  try {
    return mayList(key);
  } catch (error) {
    if (SecureStoreError.is(error, 'INVALID_KEY')) return false;
    throw error;
  }
}

/** Whether what names begin with may be known: it is a name that may be seen, or the beginning of one. */
export function mayKnow(prefix: string, mayList: (key: string) => boolean): boolean {
  return [prefix, `${prefix}x`].some((key) => isListed(key, mayList));
}

/**
 * Receipts, but for those that name what may not be seen: they are signed as they are, so they are left out as a whole.
 *
 * @param mayList whether an object may be seen
 * @param mayVerify whether what is wrong with objects may be known, whichever they are
 */
export function withoutNaming<T>(found: T, mayList: (key: string) => boolean, mayVerify: () => boolean): T {
  const { drills = [], restores = [] } = Object(found) as Partial<Receipts>;
  const isOpen = ({ receipt }: Receipts['drills'][number]): boolean => {
    const { prefix = '', into = '', problems = [] } = JSON.parse(receipt.facts) as Named;
    const isKnown = [prefix, into].every((one) => one === '' || mayKnow(one, mayList));
    return isKnown && (problems.length === 0 || mayVerify());
  };
  const open = { drills: drills.filter(isOpen), restores: restores.filter(isOpen) };
  const withheld = drills.length + restores.length - open.drills.length - open.restores.length;
  return withheld === 0 ? found : ({ ...open, withheld } as T);
}
