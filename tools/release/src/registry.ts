import { npm } from '../../pack-check/src/pack.ts';
import type { Tarball } from '../../pack-check/src/pack.ts';
import { Refusal } from './refusal.ts';

/** How many packages are published at a time. */
const AT_A_TIME = 4;

/**
 * The versions of a package that the registry which npm is configured with has; none where it knows no such package.
 *
 * @throws Refusal where it doesn't say
 */
export async function publishedVersions(name: string, folder: string): Promise<readonly string[]> {
  try {
    const versions: unknown = JSON.parse(await npm(['view', name, 'versions', '--json'], folder));
    return typeof versions === 'string' ? [versions] : (versions as string[]);
  } catch (error) {
    const { stdout = '', stderr = '' } = error as { stdout?: string; stderr?: string };
    if (stdout.includes('"E404"')) return [];
    const reason = `Which versions of ${name} are published is not known: ask again when the registry answers (${stderr.trim()}).`;
    throw new Refusal([reason], { cause: error });
  }
}

/** What makes npm talk to the registry at `url` alone, which asks for no proof of who it is. */
export function environmentOf(url: string): Record<string, string> {
  return {
    npm_config_registry: url,
    // npm prefers the registry that a user has set for the scope.
    'npm_config_@securestore:registry': url,
    // npm does not even try without one.
    [`npm_config_//${new URL(url).host}/:_authToken`]: 'nobody',
    // Of an earlier registry on the same port nothing is to be remembered.
    npm_config_prefer_online: 'true',
  };
}

/** Publishes tarballs to the registry at `url`, without provenance: that would be public. */
export async function publishTo(url: string, tarballs: readonly Tarball[], folder: string): Promise<void> {
  const waiting = [...tarballs];
  const work = async (): Promise<void> => {
    for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
      const flags = ['--provenance=false', '--ignore-scripts', '--access=public', '--tag=latest', `--registry=${url}`];
      await npm(['publish', next.file, ...flags], folder, environmentOf(url));
    }
  };
  await Promise.all(Array.from({ length: AT_A_TIME }, work));
}
