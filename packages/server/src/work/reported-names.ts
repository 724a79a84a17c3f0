import { namesIn, withoutNames } from '@securestore/acl';
import type { Advice } from '@securestore/core-format';
import { SecureStoreError } from '@securestore/core-format';
import type { Session } from 'securestore';

async function mayList(session: Pick<Session, 'allows'>, name: string): Promise<boolean> {
  try {
    return await session.allows('list', name);
  } catch (error) {
    // A foreign object at the backend has no key that a rule could allow.
    if (SecureStoreError.is(error, 'INVALID_KEY')) return false;
    throw error;
  }
}

/** Whether the session may list every object that an error, or its advice, names. */
export async function mayListNamed(
  error: { readonly key?: string; readonly advice?: readonly Advice[] },
  session: Pick<Session, 'allows'>,
): Promise<boolean> {
  const advised = (error.advice ?? []).map((advice) => ('key' in advice ? advice.key : undefined));
  for (const key of [error.key, ...advised]) if (key !== undefined && !(await mayList(session, key))) return false;
  return true;
}

/** A report that is told later, with those names alone that may be listed by then. */
export async function withListedNames(report: unknown, session: Pick<Session, 'allows'>): Promise<unknown> {
  const hidden = new Set<string>();
  for (const name of namesIn(report)) if (!(await mayList(session, name))) hidden.add(name);
  return withoutNames(report, hidden);
}
