import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inspectTarball } from './inspect.ts';
import { checkInstalled } from './install-check.ts';
import { packAll } from './pack.ts';
import type { Tarball } from './pack.ts';

/** Packs every publishable package, checks the tarballs and uses them; prints what is wrong and counts checks. */
export async function checkPackages(root: string): Promise<{ passed: number; failed: number; skipped: number }> {
  const folder = await mkdtemp(join(tmpdir(), 'securestore-pack-'));
  try {
    const tarballs = await packAll(root, folder);
    const checks = [...tarballs.map((tarball) => () => inspect(tarball)), () => use(root, folder, tarballs)];
    let failed = 0;
    for (const check of checks) if (!(await check())) failed += 1;
    return { passed: checks.length - failed, failed, skipped: 0 };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function inspect(tarball: Tarball): Promise<boolean> {
  const findings = await inspectTarball(tarball);
  for (const line of findings) console.log(line);
  return findings.length === 0;
}

async function use(root: string, folder: string, tarballs: readonly Tarball[]): Promise<boolean> {
  try {
    await checkInstalled(root, folder, tarballs);
    return true;
  } catch (error) {
    // What a failed program printed says more than that it failed.
    const { stderr, message } = error as { stderr?: string; message: string };
    console.log(`The packages do not work as installed from their tarballs:\n${stderr ?? message}`);
    return false;
  }
}
