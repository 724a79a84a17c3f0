import { lstatSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { FsBackend } from '../../src/index.ts';

/** A folder for one test. */
export function scratchFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'securestore-fs-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** An initialised backend at `root`, closed after the test. */
export async function openAt(root: string, clock?: () => number): Promise<FsBackend> {
  const backend = new FsBackend(clock === undefined ? {} : { clock });
  await backend.init({ url: `file:${root}`, options: {} });
  onTestFinished(() => backend.close());
  return backend;
}

export function utf8(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

/** Everything below `folder`, each with its kind, mode, size and times. */
export function snapshot(folder: string): string[] {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .toSorted()
    .map((name) => {
      const { mode, size, mtimeMs, ctimeMs } = lstatSync(join(folder, name));
      return [name, mode.toString(8), size, mtimeMs, ctimeMs].join(' ');
    });
}

/** Every key of `backend`, in pages of `limit`. */
export async function allKeys(backend: FsBackend, prefix = '', limit = 1000): Promise<string[]> {
  const keys: string[] = [];
  for (;;) {
    const after = keys.at(-1);
    const page = await backend.list(prefix, { limit, ...(after === undefined ? {} : { after }) });
    keys.push(...page.entries.map(({ key }) => key));
    if (!page.more) return keys;
  }
}
