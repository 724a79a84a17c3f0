import { statSync } from 'node:fs';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';
import type { Absence } from '../measure/model.ts';

const folder: string = fileURLToPath(new URL('../../rivals/', import.meta.url));
const require: NodeJS.Require = createRequire(new URL('../../rivals/', import.meta.url));

/** Whether the rivals were installed as the lock file says now; `npm run bench` does so at its start. */
export function rivalsInstalled(): boolean {
  const installed = statSync(`${folder}node_modules/.package-lock.json`, { throwIfNoEntry: false });
  return installed !== undefined && installed.mtimeMs >= statSync(`${folder}package-lock.json`).mtimeMs;
}

/** A rival's module; `T` describes the little that is used of it. */
export async function loadRival<T>(name: string): Promise<T> {
  return (await import(require.resolve(name))) as T;
}

/** The version of an installed rival, for the name beside its numbers. */
export function rivalVersion(name: string): string {
  return (require(`${folder}node_modules/${name}/package.json`) as { version: string }).version;
}

/** A rival made ready, or `undefined` where it can't be, which is then named as absent. */
export async function prepare<T>(
  name: string,
  make: () => Promise<T>,
  absent: (absence: Absence) => void,
): Promise<T | undefined> {
  try {
    return await make();
  } catch (error) {
    absent({ name, reason: error instanceof Error ? (error.message.split('\n')[0] ?? '') : String(error) });
    return undefined;
  }
}
