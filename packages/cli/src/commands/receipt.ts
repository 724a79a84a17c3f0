import { readFile } from 'node:fs/promises';
import { fileError, SecureStoreError } from '@securestore/core-format';
import type { DrillFacts, RestoreFacts, RestoreReceipt } from 'securestore';
import type { Call, ExitCode } from '../call/call.ts';
import { withStore } from '../store/open.ts';
import { count, formatBytes, formatDuration, formatTime, printable } from '../terminal/terminal-text.ts';

/** A receipt, or a report that has one. @throws `INVALID_ARGUMENT` where the file holds none */
async function receiptIn(path: string): Promise<RestoreReceipt> {
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (error) {
    throw fileError(error, `cannot read the file "${path}"`);
  }
  try {
    const found = JSON.parse(text) as { readonly receipt?: unknown };
    const { facts, identity, signature } = (found.receipt ?? found) as Partial<RestoreReceipt>;
    if (typeof facts === 'string' && typeof identity === 'string' && typeof signature === 'string') {
      return { facts, identity, signature };
    }
  } catch {
    // As below.
  }
  throw new SecureStoreError('INVALID_ARGUMENT', `the file "${path}" holds no receipt`);
}

type Facts = ({ readonly of: 'restore' } & RestoreFacts) | ({ readonly of: 'drill' } & DrillFacts);

/** What a receipt says, of whichever kind it is. @throws `INTEGRITY` where the store has not signed it */
async function factsOf(signed: RestoreReceipt, fingerprint: string): Promise<Facts> {
  const { readReceipt, readRestoreReceipt } = await import('securestore');
  try {
    return { of: 'restore', ...readRestoreReceipt(signed, fingerprint) };
  } catch (error) {
    if (!SecureStoreError.is(error, 'INTEGRITY')) throw error;
    return { of: 'drill', ...readReceipt(signed, fingerprint) };
  }
}

function inWords(facts: Facts): string[] {
  const { snapshot, time, ok } = facts;
  const point = `snapshot ${snapshot} of ${formatTime(new Date(time))}`;
  if (facts.of === 'drill') {
    const { destination, recovery, objects, bytes } = facts;
    return [
      `the store has signed it: a drill of ${printable(destination)}, ${ok ? 'which went well' : 'which showed that it is bad'}`,
      `${point} was restored in ${formatDuration(recovery / 1000)}: ${count(objects, 'object')}, ${formatBytes(bytes)}`,
    ];
  }
  const { source, by, begun, took, created, replaced, renamed, skipped, unchanged, deleted, failed, verified } = facts;
  const { at = time } = facts;
  const chosen = at === time ? '' : `, the last recovery point before ${formatTime(new Date(at))}, which was chosen`;
  const where = facts.to === undefined ? '' : ` to ${printable(facts.to)}`;
  return [
    `the store has signed it: a restore of ${printable(source)}${where} by ${printable(by)}`,
    `${point}${chosen}; on ${formatTime(new Date(begun))}, in ${formatDuration(took / 1000)}, ${formatBytes(facts.bytes)}`,
    `${created} created, ${replaced} replaced, ${renamed} renamed, ${skipped} left as they were, ${unchanged} unchanged, ${deleted} deleted, ${failed} failed`,
    `${count(verified, 'object')} read back and compared`,
  ];
}

/** `securestore receipt`. */
export async function receipt(call: Call, path: string): Promise<ExitCode> {
  const { out, options } = call;
  const found = await receiptIn(path);
  const fingerprint = options.fingerprint ?? (await withStore(call, async (store) => store.fingerprint));
  const facts = await factsOf(found, fingerprint);
  await out.result({ summary: facts }, () => inWords(facts));
}
