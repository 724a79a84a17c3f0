import { constants } from 'node:fs';
import { open } from 'node:fs/promises';
import type { AuditLink } from '@securestore/core-format';
import { decodeBase32, encodeBase32 } from '@securestore/core-format';
import { errnoOf, fileError } from './file-errors.ts';
import { parseLine } from '../entry/line.ts';
import { auditLines, piecesOf } from '../entry/lines.ts';

/** How much of the end of a file is looked at, in bytes. */
const LOOK_AT = 256 * 1024;

const READ: number = constants.O_RDONLY | (constants.O_NOFOLLOW ?? 0) | (constants.O_NONBLOCK ?? 0);

/** How far segments go at the end of a log, unless another one has named them as far. Nothing of it is verified. */
export async function tipsIn(lines: AsyncIterable<string>): Promise<AuditLink[]> {
  const tips = new Map<string, AuditLink>();
  for await (const line of lines) {
    for (const piece of piecesOf(line)) {
      const parsed = parseLine(piece);
      const segment = decodeBase32(parsed?.segment ?? '');
      if (parsed === undefined || segment?.length !== 16) continue;
      const previous = parsed.kind === 'header' ? (parsed.signed?.header.previous ?? []) : [];
      for (const link of previous) {
        const named = encodeBase32(link.segment);
        if ((tips.get(named)?.count ?? Infinity) <= link.count) tips.delete(named);
      }
      const count = parsed.kind === 'header' ? 0 : parsed.sequence;
      if (count < (tips.get(parsed.segment)?.count ?? 0)) continue;
      // The newest last.
      tips.delete(parsed.segment);
      tips.set(parsed.segment, { segment, count, mac: parsed.mac });
    }
  }
  return [...tips.values()];
}

/** @throws SecureStoreError what keeps the file from being read */
export async function readTips(path: string): Promise<AuditLink[]> {
  try {
    await using file = await open(path, READ);
    const stats = await file.stat();
    if (!stats.isFile()) return [];
    const start = Math.max(0, stats.size - LOOK_AT);
    const stream = file.createReadStream({ start, end: Math.max(0, stats.size - 1), autoClose: false });
    return await tipsIn(auditLines(stream));
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return [];
    throw fileError(path, error);
  }
}
