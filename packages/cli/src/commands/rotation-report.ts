import { SecureStoreError } from '@securestore/core-format';
import type { RemoteStore, RotationDepth, RotationReport, SecureStore } from 'securestore';
import { pendingBackups } from '../access/pending-backups.ts';
import { type Call, SOME_FAILED } from '../call/call.ts';
import { count, printable } from '../terminal/terminal-text.ts';

/** The first line on a rotation. @param secret what became of the secret */
export function rotationLine({ depth }: RotationReport, secret?: string): string {
  return `rotated to the depth ${depth}${secret === undefined ? '' : `: ${secret}`}`;
}

/** The protection after each depth against an attacker who has the old encryption keys. */
const PROTECTED: Readonly<Record<RotationDepth, string | undefined>> = {
  unlock: undefined,
  keys: 'old encryption keys alone open no object of the store any more',
  data: 'old encryption keys and old records open no object of the store any more',
};

/** The limits of that protection. */
const NOT_PROTECTED: Readonly<Record<RotationDepth, string>> = {
  unlock: 'old encryption keys still open all objects, also those that are stored from now on',
  keys: 'old encryption keys still show the names of objects, and with a copy of an old record they open its payload',
  data: 'old encryption keys still show the names of objects',
};

/** The limits of every rotation. */
const NEVER_PROTECTED: readonly string[] = [
  'copies of the store from before, also those of its backend, stay open to the old secret and encryption keys',
  'an attacker who has old encryption keys, and can write to the backend, can take the store over',
];

/** The protection after a rotation, and its limits, in a line each, by `docs/run/rotation/old-keys.md`. @param isReplaced whether there is a new unlock secret */
export function protectionLines({ depth, failed, remaining, pending }: RotationReport, isReplaced: boolean): string[] {
  const secret = isReplaced ? ['the old unlock secret alone opens the store no more'] : [];
  const isPartial = failed > 0 || Object.keys(remaining).length > 0 || pending.length > 0;
  const except = isPartial && depth !== 'unlock' ? ', except for what is named above' : '';
  const keys = PROTECTED[depth];
  const safe = [...secret, ...(keys === undefined ? [] : [`${keys}${except}`])];
  return [
    ...(safe.length === 0 ? [] : [`protected: ${safe.join('; ')}`]),
    ...[NOT_PROTECTED[depth], ...NEVER_PROTECTED].map((limit) => `not protected: ${limit}`),
  ];
}

const ONCE_KEYS =
  'their backups still need the old keys: once they can be reached, run securestore rotate --same-secret';

/** The state of backups that were not reached, and how to end it, by depth. */
const ONCE_REACHED: Readonly<Record<RotationDepth, string>> = {
  unlock:
    'earlier unlock secrets still open their backups: once they can be reached, run securestore backup with each, which ends that',
  keys: ONCE_KEYS,
  data: ONCE_KEYS,
};

/** Says what a rotation did. @param first the first line @param last the last ones @param more what is in its JSON, too */
export async function sayRotation(
  call: Call,
  store: SecureStore | RemoteStore,
  done: RotationReport,
  first: string,
  { last = [], ...more }: { readonly last?: readonly string[]; readonly [field: string]: unknown } = {},
): Promise<number> {
  const { out, verb } = call;
  const { failures, foreign, pending, ...counts } = done;
  const found = await pendingBackups(call, store, pending, ONCE_REACHED[done.depth]);
  const summary = { ...counts, ...found.data };
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
  await out.result({ ...more, summary }, () => [first, ...reportLines(done, found.lines), ...last]);
  return done.failed > 0 || done.contradicted > 0 || done.pending.length > 0 ? SOME_FAILED : 0;
}

const ENDED: Readonly<Record<string, string>> = {
  recoveryCode: 'the recovery kit of this code opens the store no more',
  shares: 'the recovery kits of these shares open the store no more',
};

/** Kits whose slot was removed: a person may still keep them. */
function endedKits({ removedSlots }: RotationReport): string[] {
  // A server of an earlier release does not tell them.
  const ended = new Set((removedSlots ?? []).map(({ method }) => ENDED[method]).filter((line) => line !== undefined));
  return [...ended].map((line) => `${line}: make another by securestore slot add`);
}

/** @param pending what was not brought to the backups */
function reportLines(report: RotationReport, pending: readonly string[]): string[] {
  const { depth, examined, rotated, failed, retired, remaining, contradicted } = report;
  if (depth === 'unlock') return [...endedKits(report), ...pending];
  const left = Object.entries(remaining).map(([id, number]) => `${id} (${count(number, 'version')})`);
  const lines = endedKits(report);
  lines.push(
    `examined ${count(examined, 'version')} of objects: ${rotated} under new encryption keys, ${failed} failed`,
  );
  if (retired.length > 0) lines.push(`disabled: ${retired.join(', ')}`);
  if (left.length > 0) {
    lines.push(`still in use: ${left.join(', ')}`);
    lines.push(
      'those that securestore key list shows as (journal) are disabled by the daily garbage collection within two weeks; for the others run securestore rotate --same-secret again later',
    );
  }
  if (contradicted > 0) {
    lines.push(
      `${count(contradicted, 'name')} had less or other than the last checkpoint says: securestore verify names them`,
    );
  }
  return [...lines, ...pending];
}
