import type { BackupVerifyReport } from '@securestore/backup';

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
