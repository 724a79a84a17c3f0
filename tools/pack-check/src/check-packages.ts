import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inspectTarball } from './inspect.ts';
import { checkInstalled } from './install-check.ts';
import type { Application } from './install-check.ts';
import { packAll } from './pack.ts';
import type { Tarball } from './pack.ts';
import { checkPlugin, foldersForPlugin } from './plugin-check.ts';

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
  try {
    const tarballs = await packAll(root, folder);
    for (const tarball of tarballs) count[await inspect(tarball)] += 1;
    let application: Application | undefined;
    count[
      await attempt('The packages do not work as installed from their tarballs', async () => {
        application = await checkInstalled(folder, tarballs);
      })
    ] += 1;
    if (application !== undefined) count[await plugIn(root, application, write)] += 1;
    return count;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function inspect(tarball: Tarball): Promise<Outcome> {
  const findings = await inspectTarball(tarball);
  for (const line of findings) console.log(line);
  return findings.length === 0 ? 'passed' : 'failed';
}

async function plugIn(root: string, application: Application, write: boolean): Promise<Outcome> {
  let foreign: string[] = [];
  try {
    foreign = await foldersForPlugin(root);
  } catch (error) {
    console.log(`skipped: a backend of somebody else: what it needs can't be had: ${(error as Error).message}`);
    return process.getuid?.() === 0 || process.env['CI'] === 'true' ? 'failed' : 'skipped';
  }
  return attempt('A backend of somebody else does not work on the tarballs', async () =>
    checkPlugin(root, application, foreign, write),
  );
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
