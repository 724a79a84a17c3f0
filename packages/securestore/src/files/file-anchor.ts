import { createHash, randomUUID } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { isAbsolute, join, resolve } from 'node:path';
import { parseStoreUrl } from '@securestore/backend-api';
import { makeFolderDurably, replaceFile, SecureStoreError } from '@securestore/core-format';
import type { Anchor, AnchorRecord, KnownStore } from '@securestore/objects';

/** The end of the name of a file with an anchor. */
const SUFFIX = '.anchor.json';

const PATH_SCHEMES: ReadonlySet<string> = new Set(['file', 'sqlite']);

/**
 * The folder of anchors: `$XDG_STATE_HOME/securestore`, by default `~/.local/state/securestore`. A relative path in
 * the variable counts for nothing, as its specification says: it would be another folder in every working directory.
 */
export function stateFolder(): string {
  const state = process.env['XDG_STATE_HOME'] ?? '';
  return join(isAbsolute(state) ? state : join(homedir(), '.local', 'state'), 'securestore');
}

/** A store URL as it is remembered: the same for every working directory. */
export function anchorName(url: string): string {
  const { scheme, rest } = parseStoreUrl(url);
  if (!PATH_SCHEMES.has(scheme)) return url;
  return `${scheme}:${resolve(rest.startsWith('///') ? rest.slice(2) : rest)}`;
}

/** The record in a file, if it is of a store with that fingerprint. A damaged or unreadable file counts as none. */
async function knownIn(file: string, wanted: string): Promise<KnownStore | undefined> {
  try {
    const value = JSON.parse(await readFile(file, 'utf8')) as { readonly location?: unknown };
    if (!isRecord(value) || value.fingerprint !== wanted || typeof value.location !== 'string') return undefined;
    return { url: value.location, ...recordOf(value) };
  } catch {
    return undefined;
  }
}

function isRecord(value: unknown): value is AnchorRecord {
  const { instance, generation, fingerprint, head, audit } = (
    typeof value === 'object' && value !== null ? value : {}
  ) as Record<string, unknown>;
  return (
    typeof instance === 'string' &&
    typeof fingerprint === 'string' &&
    Number.isSafeInteger(generation) &&
    (head === undefined || (typeof head === 'string' && /^[0-9a-f]{64}$/.test(head))) &&
    (audit === undefined || (Array.isArray(audit) && audit.every((end) => typeof end === 'string')))
  );
}

/** Without what is kept in the file for people. */
function recordOf({ instance, generation, fingerprint, head, audit }: AnchorRecord): AnchorRecord {
  const known = { instance, generation, fingerprint };
  return { ...known, ...(head === undefined ? {} : { head }), ...(audit === undefined ? {} : { audit }) };
}

/**
 * Remembers stores in one small JSON file each.
 *
 * @param folder default {@link stateFolder}
 */
export function fileAnchor(folder: string = stateFolder()): Anchor {
  const fileOf = (url: string): string =>
    join(folder, `${createHash('sha256').update(url).digest('hex').slice(0, 32)}${SUFFIX}`);
  return {
    async read(url) {
      const file = fileOf(url);
      let text: string;
      try {
        text = await readFile(file, 'utf8');
      } catch (error) {
        const { code } = error as NodeJS.ErrnoException;
        if (code === 'ENOENT' || code === 'ENOTDIR') return undefined;
        throw new SecureStoreError('UNAVAILABLE', `the anchor ${file} cannot be read`, {
          retryable: false,
          cause: error,
        });
      }
      try {
        const value: unknown = JSON.parse(text);
        if (isRecord(value)) return recordOf(value);
      } catch {
        // Reported below, with the ones that are JSON but no anchor.
      }
      throw new SecureStoreError('INTEGRITY', `the anchor ${file} is damaged`, {
        advice: [{ id: 'delete-anchor', path: file }],
      });
    },
    async write(url, given) {
      const file = fileOf(url);
      const temporary = `${file}.${randomUUID()}`;
      const record = JSON.stringify({ location: url, ...recordOf(given) });
      try {
        await makeFolderDurably(folder);
        await replaceFile(file, temporary, (open) => open.writeFile(`${record}\n`));
      } catch (error) {
        const { code } = error as NodeJS.ErrnoException;
        const message = `the anchor ${file} cannot be written (${code})`;
        throw new SecureStoreError('UNAVAILABLE', message, { retryable: false, cause: error });
      }
    },
    async find(fingerprint) {
      const names = await readdir(folder).catch(() => []);
      const known: KnownStore[] = [];
      for (const name of names) {
        const found = name.endsWith(SUFFIX) ? await knownIn(join(folder, name), fingerprint) : undefined;
        if (found !== undefined) known.push(found);
      }
      return known;
    },
  };
}
