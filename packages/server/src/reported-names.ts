import { namesIn, withoutNames } from '@securestore/acl';
import { SecureStoreError } from '@securestore/core-format';
import type { Session } from 'securestore';

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
  const hidden = new Set<string>();
  for (const name of namesIn(report)) if (!(await mayList(session, name))) hidden.add(name);
  return withoutNames(report, hidden);
}
