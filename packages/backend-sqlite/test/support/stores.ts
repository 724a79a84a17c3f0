import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { SqliteBackend } from '../../src/index.ts';

/** A folder for one test. */
export function scratchFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'securestore-sqlite-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** An initialised backend on the file at `path`, closed after the test. */
export async function openAt(path: string, clock?: () => number): Promise<SqliteBackend> {
  const backend = new SqliteBackend(clock === undefined ? {} : { clock });
  await backend.init({ url: `sqlite:${path}`, options: {} });
  onTestFinished(() => backend.close());
  return backend;
}

export function utf8(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

export async function textOf(backend: SqliteBackend, key: string): Promise<string | undefined> {
  const found = await backend.read(key);
  return found && Buffer.from(found.body).toString();
}

/** The files in `folder`, each with its bytes and time. */
export function snapshot(folder: string): [string, number, string][] {
  return readdirSync(folder)
    .toSorted()
    .map((name) => [name, statSync(join(folder, name)).mtimeMs, readFileSync(join(folder, name)).toString('base64')]);
}
