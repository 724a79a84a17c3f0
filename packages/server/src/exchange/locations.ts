import { SecureStoreError } from '@securestore/core-format';
import type { SecureStore, Session } from 'securestore';
import type { RouteAccess } from './route.ts';

/** Calls that look at a place, whatever place that is. Those that write somewhere take `backup.manage` themselves. */
const LOOKING: ReadonlySet<RouteAccess> = new Set<RouteAccess>([
  'restore',
  'scrub',
  'backups.list',
  'backups.windows',
  'backups.verify',
  'backups.drill',
  'backups.retain',
  'backups.restoreStore',
  'recoveryPoints.timeline',
  'recoveryPoints.browse',
  'recoveryPoints.find',
  'recoveryPoints.compare',
  'recoveryPoints.versions',
  'recoveryPoints.retrieveStream',
  'recoveryPoints.receipts',
  // To find out what would be done, the server looks at it.
  'approvals.request',
]);

/** Where what is looked at lies, by the names under which that is given. */
const MEMBERS = ['destination', 'repair'] as const;

/** What a call that is to be approved is given. */
function describedIn(value: unknown): unknown {
  const { operation } = (value ?? {}) as { readonly operation?: { readonly about?: unknown } };
  return operation?.about;
}

/** Where a store is backed up. */
type Backups = Pick<SecureStore['backups'], 'isRegistered'>;

/** Whether a caller who may has chosen the store URL; the memory of the server reaches nothing else. */
function isChosen(url: string, backups: Backups): boolean {
  return url.startsWith('memory:') || backups.isRegistered(url);
}

/**
 * Refuses to look at an unregistered store URL for a caller who may not register one. The server would read files for a caller, or connect to
 * whatever a caller names: with its own credentials, which that could ask for.
 *
 * @param given what was sent, by the names of its members
 * @throws SecureStoreError `ACCESS_DENIED`
 */
export async function checkDestinations(
  access: RouteAccess,
  session: Pick<Session, 'allows'>,
  backups: Backups,
  ...given: readonly unknown[]
): Promise<void> {
  if (!LOOKING.has(access)) return;
  const asked = given.flatMap((value) => [value, describedIn(value)]);
  const places = asked.flatMap((value) => MEMBERS.map((name) => ((value ?? {}) as Record<string, unknown>)[name]));
  const isOpen = places.some((place) => typeof place === 'string' && !isChosen(place, backups));
  if (!isOpen || (await session.allows('backup.manage'))) return;
  throw new SecureStoreError(
    'ACCESS_DENIED',
    `${access} at a store URL that is not a registered destination takes the action backup.manage`,
    { operation: access, advice: [{ id: 'ask-for-permission', action: 'backup.manage' }] },
  );
}
