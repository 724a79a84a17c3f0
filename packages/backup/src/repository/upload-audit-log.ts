import type { IndexPage } from '@securestore/core-format';
import { AREAS, sha256 } from '@securestore/core-format';
import { Added } from './pending-entries.ts';
import type { CopyPorts } from './upload.ts';
import type { IndexPages } from './index-pages.ts';
import { IndexWriter } from './index-pages.ts';
import { indexOfOthers } from './index-set.ts';
import { PackWriter } from './packs.ts';

/**
 * Copies what has come to the audit log, whose parts never change.
 *
 * @param before the index of what is there
 * @returns the index of all of it
 */
export async function copyOthers(
  { area, destination, epoch, signal }: Omit<CopyPorts, 'onCopied'>,
  pages: IndexPages,
  before: readonly IndexPage[],
): Promise<readonly IndexPage[]> {
  const added = new Added(destination, new PackWriter(destination, epoch, signal));
  const have = indexOfOthers(pages, before).objects('', signal);
  let next = await have.next();
  for await (const { key } of area.entries(AREAS.audit, { signal })) {
    while (next.done !== true && next.value.token < key) next = await have.next();
    if (next.done !== true && next.value.token === key) continue;
    const found = await area.read(key, { signal });
    if (found !== undefined) await added.addOther(key, found.body, sha256(found.body));
  }
  await have.return(undefined);
  if (added.entries.size === 0) return before;
  await added.finish(area.keyOrder, signal);
  const writer = new IndexWriter(destination, area.seals, epoch, signal);
  await indexOfOthers(pages, before, added.entries).write(writer, signal);
  return writer.finish();
}
