import { SecureStoreError } from '@securestore/core-format';
import type { RotationReport } from 'securestore';
import { type Call, SOME_FAILED } from '../call/call.ts';
import { count, printable } from '../terminal/terminal-text.ts';

/** The first line on a rotation. @param secret what became of the secret */
export function rotationLine({ depth }: RotationReport, secret?: string): string {
  return `rotated to the depth ${depth}${secret === undefined ? '' : `: ${secret}`}`;
}

/** Says what a rotation did. @param first the first line @param more what is in its JSON, too */
export async function sayRotation(
  { out, verb }: Call,
  done: RotationReport,
  first: string,
  more: object = {},
): Promise<number> {
  const { failures, foreign, ...summary } = done;
  for (const { name, code } of failures) {
    const error = new SecureStoreError(code, 'cannot be rewrapped under the new encryption keys. It was not changed.');
    if (out.json) await out.result({ name, status: 'failed', error: { code } }, () => []);
    else out.error(error, { operation: verb, subject: name });
  }
  for (const { name, code } of foreign) {
    const reason =
      'it was not written with the keys of the store; it keeps no key in use, and securestore gc removes it in time';
    await out.result({ name, status: 'foreign', error: { code } }, () => [
      `foreign object: ${printable(name)}: ${reason}`,
    ]);
  }
  await out.result({ ...more, summary }, () => [first, ...reportLines(done)]);
  return done.failed > 0 || done.contradicted > 0 || done.pending.length > 0 ? SOME_FAILED : 0;
}

function reportLines(report: RotationReport): string[] {
  const { depth, examined, rotated, failed, retired, remaining, contradicted, pending } = report;
  if (depth === 'unlock') return [];
  const left = Object.entries(remaining).map(([id, number]) => `${id} (${count(number, 'object')})`);
  const lines = [`examined ${count(examined, 'object')}: ${rotated} under new encryption keys, ${failed} failed`];
  if (retired.length > 0) lines.push(`disabled: ${retired.join(', ')}`);
  if (left.length > 0) {
    lines.push(`still in use: ${left.join(', ')}`);
    lines.push(
      'the daily garbage collection disables keys of the journal within two weeks; for others run securestore rotate --same-secret again later',
    );
  }
  if (contradicted > 0) {
    lines.push(
      `${count(contradicted, 'name')} had less or other than the last checkpoint says: securestore verify names them`,
    );
  }
  lines.push(...pending.map((url) => `backups not reached: ${printable(url)}`));
  if (pending.length > 0) {
    lines.push('their backups still need the old keys: once they can be reached, run securestore rotate --same-secret');
  }
  return lines;
}
