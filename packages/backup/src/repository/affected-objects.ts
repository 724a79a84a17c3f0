import type { IndexEntry, IndexPage } from '@securestore/core-format';
import { backupBlobPrefix, isDamage, packName, SecureStoreError } from '@securestore/core-format';
import type { UnlockedCopy } from '@securestore/objects/internal';
import { MAX_SHOWN, type Use } from './findings.ts';
import type { IndexPages } from './index-pages.ts';

/** The name that a token tells; `undefined` where only a record would tell it, which may be what is damaged. */
function nameIn(copy: UnlockedCopy, token: string): string | undefined {
  try {
    return copy.nameIn(token);
  } catch (error) {
    if (SecureStoreError.is(error, 'INTEGRITY')) return undefined;
    throw error;
  }
}

/** What the findings are about. */
export interface Damaged {
  /** The uses of damaged files. */
  readonly uses: ReadonlySet<Use>;
  readonly packs: ReadonlyMap<string, Use>;
  readonly blobs: ReadonlyMap<string, Use>;
}

/**
 * Notes in the uses of damaged files which objects need these, as far as the index tells their names. Done once something was found:
 * a backup that is whole costs nothing for it.
 *
 * @throws SecureStoreError what the backend throws
 */
export async function noteAffected(
  copy: UnlockedCopy,
  pages: IndexPages,
  all: Iterable<IndexPage>,
  { uses, packs, blobs }: Damaged,
  signal?: AbortSignal,
): Promise<void> {
  const wanted = (use: Use | undefined): use is Use =>
    use !== undefined && uses.has(use) && (use.keys?.size ?? 0) < MAX_SHOWN;
  for (const page of all) {
    if (![...uses].some(wanted)) return;
    for (const { kind, token, pack, blob } of await entriesOf(pages, page, signal)) {
      if (kind === 'other') continue;
      const ofBlob = blob && blobs.get(backupBlobPrefix(blob.epoch, blob.blobId));
      for (const use of [packs.get(packName(pack)), ofBlob]) {
        if (!wanted(use)) continue;
        const name = nameIn(copy, token);
        if (name !== undefined) (use.keys ??= new Set()).add(name);
      }
    }
  }
}

async function entriesOf(
  pages: IndexPages,
  page: IndexPage,
  signal: AbortSignal | undefined,
): Promise<readonly IndexEntry[]> {
  try {
    return await pages.read(page, signal);
  } catch (error) {
    // It is among the findings itself.
    if (isDamage(error)) return [];
    throw error;
  }
}
