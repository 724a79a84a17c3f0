import { SecureStoreError } from '@securestore/core-format';
import type { Session } from 'securestore';

/** What names objects for those alone who may list them: a drill, and a verification of a backup. */
interface Naming {
  readonly names?: Readonly<Record<string, string>>;
  readonly findings?: readonly Finding[];
}

interface Finding {
  readonly keys?: readonly string[];
}

async function mayList(session: Pick<Session, 'allows'>, name: string): Promise<boolean> {
  try {
    return await session.allows('list', name);
  } catch (error) {
    // What lies at the backend where no object is known.
    if (SecureStoreError.is(error, 'INVALID_KEY')) return false;
    throw error;
  }
}

/** A report that is told later, with those names alone that may be listed by then. */
export async function withListedNames(report: unknown, session: Pick<Session, 'allows'>): Promise<unknown> {
  const { names = {}, findings = [] } = Object(report) as Naming;
  const all = new Set([...Object.values(names), ...findings.flatMap(({ keys = [] }) => keys)]);
  const hidden = new Set<string>();
  for (const name of all) if (!(await mayList(session, name))) hidden.add(name);
  if (hidden.size === 0) return report;
  const seen = (finding: Finding): Finding =>
    finding.keys === undefined ? finding : { ...finding, keys: finding.keys.filter((key) => !hidden.has(key)) };
  return {
    ...(report as Naming),
    ...('names' in (report as Naming) && {
      names: Object.fromEntries(Object.entries(names).filter(([, name]) => !hidden.has(name))),
    }),
    ...('findings' in (report as Naming) && { findings: findings.map(seen) }),
  };
}
