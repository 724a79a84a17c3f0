import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inspectTarball } from './inspect.ts';
import { cacheFolder } from '../../services/src/service/cache.ts';
import { checkInstalled } from './install-check.ts';
import type { Application } from './install-check.ts';
import { applicationInstaller } from './application-installer.ts';
import type { ApplicationInstaller } from './application-installer.ts';
import { packAll } from './pack.ts';
import type { Tarball } from './pack.ts';
import { checkPlugin } from './plugin-check.ts';

type Outcome = 'passed' | 'failed' | 'skipped';

/**
 * Packs every publishable package, checks the tarballs and uses them; prints what is wrong and counts checks.
 *
 * @param write - whether the conformance report of the example plugin is written anew
 */
export async function checkPackages(
  root: string,
  { write = false }: { readonly write?: boolean } = {},
): Promise<{ passed: number; failed: number; skipped: number }> {
  const folder = await mkdtemp(join(tmpdir(), 'securestore-pack-'));
  const count = { passed: 0, failed: 0, skipped: 0 };
  const source = applicationInstaller({ fresh: join(folder, 'npm-cache'), kept: cacheFolder('npm-of-applications') });
  try {
    const tarballs = await packAll(root, folder);
    for (const tarball of tarballs) count[await inspect(tarball)] += 1;
    let application: Application | undefined;
    count[
      await attempt('The packages do not work as installed from their tarballs', async () => {
        application = await checkInstalled(folder, tarballs, source);
      })
    ] += 1;
    if (application !== undefined) count[await plugIn(root, application, source, write)] += 1;
    if (source.offline) {
      console.log(
        'skipped: installing with an empty cache (no registry answers; used the downloads of an earlier run)',
      );
      count.skipped += 1;
    } else if (count.failed === 0) await source.keep();
    return count;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

function plugIn(
  root: string,
  application: Application,
  source: ApplicationInstaller,
  write: boolean,
): Promise<Outcome> {
  return attempt('A backend of somebody else does not work on the tarballs', async () =>
    checkPlugin(root, application, source, write),
  );
}

async function inspect(tarball: Tarball): Promise<Outcome> {
  const findings = await inspectTarball(tarball);
  for (const line of findings) console.log(line);
  return findings.length === 0 ? 'passed' : 'failed';
}

async function attempt(failure: string, work: () => Promise<void>): Promise<Outcome> {
  try {
    await work();
    return 'passed';
  } catch (error) {
    // What a failed program printed says more than that it failed.
    const { stderr, message } = error as { stderr?: string; message: string };
    console.log(`${failure}:\n${stderr || message}`);
    return 'failed';
  }
}
