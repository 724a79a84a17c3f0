import { readFileSync } from 'node:fs';

function read(): string {
  // By its name, since the bundle does not lie as deep as this file.
  const path = import.meta.resolve('@securestore/server/package.json');
  const manifest: unknown = JSON.parse(readFileSync(new URL(path), 'utf8'));
  return typeof manifest === 'object' && manifest !== null && 'version' in manifest ? String(manifest.version) : '';
}

/** The version of this package. */
export const VERSION: string = read();
