import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inspectTarball } from './inspect.ts';
import { packAll } from './pack.ts';

/** Packs every publishable package and checks the tarballs; prints what is wrong and counts packages. */
export async function checkPackages(root: string): Promise<{ passed: number; failed: number; skipped: number }> {
  const folder = await mkdtemp(join(tmpdir(), 'securestore-pack-'));
  try {
    const tarballs = await packAll(root, folder);
    let failed = 0;
    for (const tarball of tarballs) {
      const findings = await inspectTarball(tarball);
      for (const line of findings) console.log(line);
      if (findings.length > 0) failed += 1;
    }
    return { passed: tarballs.length - failed, failed, skipped: 0 };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
