import { ensureInstalled, installDebianPackages } from './install.ts';
import type { Rights } from './install.ts';
import { missingPrograms } from '../service/programs.ts';
import type { Needed } from '../service/service.ts';

/**
 * Installs what several servers need at once: the packages of Debian in one go, and what comes from npm, pip and Go
 * beside each other. Whoever starts a server afterwards finds it installed, or says why it is not.
 *
 * @returns the reason for each that is not there
 */
export async function installAll(all: readonly Needed[], rights: Rights): Promise<Map<string, string>> {
  if (rights.root || rights.asked) {
    const packages = all.flatMap(packagesMissing);
    // What fails here is tried again for each, and said there.
    if (packages.length > 0) await installDebianPackages([...new Set(packages)], rights);
  }
  const reasons = new Map<string, string>();
  await Promise.all(
    all.map(async (needed) => {
      const reason = await ensureInstalled(needed, rights);
      if (reason !== undefined) reasons.set(needed.name, reason);
    }),
  );
  return reasons;
}

function packagesMissing({ wished, ...needed }: Needed): readonly string[] {
  const own = needed.install === undefined && missingPrograms(needed).length > 0 ? needed.debianPackages : [];
  const more = wished === undefined ? [] : packagesMissing({ ...needed, ...wished, install: undefined });
  return [...own, ...more];
}
