import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { cacheFolder, installFromGo } from '../../../services/src/service/cache.ts';
import type { Absence } from '../measure/model.ts';

const VERSION = 'v0.18.1';
export const RESTIC = `restic ${VERSION.slice(1)}`;

/** The program, compiled into the cache the first time; `undefined` where that can't be done. */
export async function resticProgram(absent: (absence: Absence) => void): Promise<string | undefined> {
  const program = join(cacheFolder(`restic-${VERSION}`), 'restic');
  if (existsSync(program)) return program;
  try {
    await installFromGo('restic', 'github.com/restic/restic/cmd/restic', VERSION);
    return program;
  } catch (error) {
    absent({ name: RESTIC, reason: error instanceof Error ? error.message : 'it could not be compiled' });
    return undefined;
  }
}
