import type { UnlockMethod } from '@securestore/crypto';
import type { StoreSettings } from '@securestore/objects';
import type { MigrationArea } from '@securestore/objects/internal';

/** What a store is to be that takes in another one: what is not given is as it was, but for what unlocks it. */
export interface ReencryptSettings extends Omit<StoreSettings, 'unlock' | 'journal'> {
  readonly unlock: UnlockMethod;
  /**
   * Called before the new store is made, such as to make the key file that `unlock` reads. A run that goes on with one that was made, or
   * comes after the end, does not call it.
   */
  readonly beforeCreate?: (() => Promise<void>) | undefined;
}

const isOther = (wanted: unknown, has: unknown): boolean => wanted !== undefined && wanted !== has;

/** The first pattern that matches decides, so their order counts. */
const patterns = (map: Readonly<Record<string, string | readonly string[]>>): string =>
  JSON.stringify(Object.entries(map).map(([name, list]) => [name, [list].flat()]));

/** What of the settings that are given a store that was made before does not have, as it has it. */
export function otherThan(
  { suite, names, categories, history, rotation }: ReencryptSettings,
  { head, copying: { categories: those } }: MigrationArea,
): string[] {
  const [sealedWith = 1] = head.suites;
  return [
    ...(isOther(suite, sealedWith) ? [`suite ${sealedWith}`] : []),
    ...(isOther(names, head.naming) ? [`${head.naming} names`] : []),
    ...(categories !== undefined && patterns(categories) !== patterns(those) ? ['other categories'] : []),
    ...(isOther(history?.versions, head.history.versions) || isOther(history?.days, head.history.days)
      ? [`a history of ${head.history.versions} versions and ${head.history.days} days`]
      : []),
    ...(isOther(rotation?.days, head.rotationDays) ? [`a rotation every ${head.rotationDays} days`] : []),
  ];
}
