import type { BackupVerifyReport, DrillReport, Receipts } from '@securestore/backup';
import { SecureStoreError } from '@securestore/core-format';

/**
 * What a verification of a backup says, with the names of those objects alone that may be seen: whoever may back up need not know what
 * there is.
 *
 * @param mayList whether an object may be seen
 */
export function withoutNames<T>(report: T, mayList: (key: string) => boolean): T {
  // What stands behind a session need not be a store of ours.
  const { findings = [], ...rest } = Object(report) as Partial<BackupVerifyReport>;
  if (findings.length === 0) return report;
  const seen = findings.map((finding) => ({ ...finding, keys: finding.keys.filter(mayList) }));
  return { ...rest, findings: seen } as T;
}

/** What a drill has shown, with the names of those objects alone that may be seen. @param mayList whether an object may be seen */
export function withoutNamesOfDrill<T>(report: T, mayList: (key: string) => boolean): T {
  const { names } = Object(report) as Partial<DrillReport>;
  if (names === undefined) return report;
  const seen = Object.entries(names).filter(([, name]) => isListed(name, mayList));
  return { ...report, names: Object.fromEntries(seen) };
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
function mayKnow(prefix: string, mayList: (key: string) => boolean): boolean {
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
