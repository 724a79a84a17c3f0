import { accessSync, constants, globSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import type { Needed } from './service.ts';

/**
 * The full path of a program of `service`, on the `PATH` or where its packages put it. One that is installed into our cache is
 * looked for there alone, since it is wanted in that very version.
 */
export function findProgram(service: Needed, name: string): string | undefined {
  const packaged = service.folders.flatMap((pattern) => globSync(pattern).toSorted(byNumber).toReversed());
  const common = [...(process.env['PATH'] ?? '').split(delimiter), '/usr/bin', '/usr/sbin'];
  const folders = service.install === undefined ? [...common, ...packaged] : packaged;
  return folders.map((folder) => join(folder, name)).find(isProgram);
}

/** Those programs of `service` that are not on this machine. */
export function missingPrograms(service: Needed): string[] {
  return service.programs.filter((name) => findProgram(service, name) === undefined);
}

function isProgram(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

function byNumber(one: string, other: string): number {
  return one.localeCompare(other, 'en', { numeric: true });
}
