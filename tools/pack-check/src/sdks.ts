import { readFile } from 'node:fs/promises';
import { join } from 'node:path';

/** What only some backends need: who uses none of them neither installs nor loads it. */
const SDKS: readonly string[] = ['@aws-sdk', '@google-cloud', '@azure', 'mongodb', 'ioredis', 'pg'];

/** Those of {@link SDKS} that lie on some of these paths. */
export function sdksOn(paths: readonly string[]): string[] {
  return SDKS.filter((sdk) => paths.some((path) => `${path}/`.includes(`node_modules/${sdk}/`)));
}

/** The paths of all packages that npm has installed for the application in `folder`. */
export async function installedIn(folder: string): Promise<string[]> {
  const record = await readFile(join(folder, 'node_modules/.package-lock.json'), 'utf8');
  return Object.keys((JSON.parse(record) as { packages: object }).packages);
}
