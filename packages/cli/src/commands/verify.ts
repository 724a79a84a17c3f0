import { isServed } from '@securestore/backend-api';
import { exitCodeOf, SecureStoreError } from '@securestore/core-format';
import type { Finding, SecureStore, VerifyReport } from 'securestore';
import type { Call, ExitCode } from '../call/call.ts';
import { discoveryOf } from '../store/discovery.ts';
import { watchJob } from '../terminal/job-progress.ts';
import { startObjectProgress } from '../terminal/object-progress.ts';
import { isForServer, withStore } from '../store/open.ts';
import { parseRolling } from '../call/parse-time.ts';
import { refuse } from '../errors/refuse.ts';
import { count, printable } from '../terminal/terminal-text.ts';
import { comparedWith } from '../object/checkpoint-text.ts';
import type { VerifyOptions } from './verify-backup.ts';

/** `securestore verify`. */
export async function verify(call: Call<VerifyOptions>, url: string | undefined): Promise<ExitCode> {
  if (call.options.unchanged === true) {
    if (url === undefined) refuse('--unchanged needs a destination');
    const { scrubBackupAt } = await import('./verify-backup.ts');
    return await scrubBackupAt(call, url);
  }
  if (call.options.rolling !== undefined) {
    if (url === undefined) refuse('--rolling needs a destination');
    const { verifyShareAt } = await import('./verify-backup.ts');
    return await verifyShareAt(call, url, parseRolling(call.options.rolling));
  }
  if (url !== undefined && !isServed(url) && (await isForServer(call))) {
    const { verifyServedBackupAt } = await import('./verify-backup.ts');
    return await verifyServedBackupAt(call, url);
  }
  const { hasBackup } = await import('securestore');
  if (url !== undefined && (await hasBackup(url, { signal: call.cli.signal, discovery: discoveryOf(call) }))) {
    const { verifyBackupAt } = await import('./verify-backup.ts');
    return await verifyBackupAt(call, url);
  }
  let isOpen = false;
  const look = async (store: SecureStore): Promise<ExitCode> => {
    isOpen = true;
    return await verifyStore(call, store);
  };
  try {
    return await withStore(call, look, url);
  } catch (error) {
    if (url === undefined || isOpen || !SecureStoreError.is(error, 'NOT_FOUND')) throw error;
    const { redactStoreUrl } = await import('@securestore/backend-api');
    const at = redactStoreUrl(url);
    throw new SecureStoreError('NOT_FOUND', `${at} has neither a store nor a backup`, {
      advice: [{ id: 'check-store-url', url: at }, { id: 'list-destinations' }],
    });
  }
}

async function verifyStore(call: Call<VerifyOptions>, store: SecureStore): Promise<ExitCode> {
  const report = await examine(call, store);
  await say(call, report);
  if (!report.ok) {
    if (call.options.checkpoint === true) call.out.note('no checkpoint was made: it would hide what is wrong');
    return exitCodeOf('INTEGRITY');
  }
  if (call.options.checkpoint === true) await remember(call, store);
  return 0;
}

async function examine({ cli, options }: Call<VerifyOptions>, store: SecureStore): Promise<VerifyReport> {
  using progress = startObjectProgress(cli, 'verifying');
  return await store.verify({ payloads: options.payloads, onProgress: progress.show, signal: cli.signal });
}

function lineOf({ kind, key, name, expected, found, message }: Finding): string {
  const subject = key === undefined ? name : `${key} (${name})`;
  const versions = [
    expected === undefined ? undefined : `expected version ${expected}`,
    found === undefined ? undefined : `found version ${found}`,
  ].filter((part) => part !== undefined);
  return `${kind}: ${printable(subject)}: ${[printable(message), ...versions].join('; ')}`;
}

function inWords({ objects, deleted, versions, parts }: VerifyReport): string {
  return [
    count(objects, 'object'),
    count(deleted, 'deletion'),
    count(versions, 'older version'),
    count(parts, 'part of a payload', 'parts of payloads'),
  ].join(', ');
}

/** What was made unreadable on purpose is no finding. */
function destroyedOf({ unreadable }: VerifyReport): string[] {
  if (unreadable === 0) return [];
  const [were, their] = unreadable === 1 ? ['was', 'its'] : ['were', 'their'];
  return [
    `${count(unreadable, 'record')} ${were} not checked: ${their} encryption keys are destroyed, or scheduled to be`,
  ];
}

/** Findings that a backup may repair. */
const REPAIRED: ReadonlySet<Finding['kind']> = new Set(['damaged', 'rolled-back', 'hidden', 'history', 'payload']);

const TO_REPAIR = 'to restore what a backup has: securestore scrub --repair BACKUP';

function basisOf({ baseline, anchored }: VerifyReport, makesOne: boolean): string[] {
  const without = 'only damage shows, not that an object is older than it was or gone';
  const checkpoint =
    baseline === undefined
      ? makesOne
        ? `there was no checkpoint to compare with: ${without}`
        : `there is no checkpoint: ${without} (see --checkpoint)`
      : comparedWith(baseline);
  return anchored ? [checkpoint] : [checkpoint, 'without an anchor, an older copy of the whole store does not show'];
}

async function say({ out, options }: Call<VerifyOptions>, report: VerifyReport): Promise<void> {
  const { findings, foreign, baseline = null, ...rest } = report;
  const summary = { ...rest, baseline };
  for (const finding of findings) await out.result(finding, () => lineOf(finding));
  for (const stray of foreign) {
    await out.result(
      { kind: 'foreign', ...stray },
      () => `foreign object: ${printable(stray.name)}: ${printable(stray.message)}`,
    );
  }
  const verdict = report.ok ? 'nothing is wrong' : count(report.found, 'finding');
  // Only a backup has what is missing.
  const repair = findings.some(({ kind }) => REPAIRED.has(kind)) ? [TO_REPAIR] : [];
  const unlisted = report.found - findings.length;
  const more = unlisted === 0 ? '' : `, ${unlisted} of them not listed`;
  await out.result({ summary }, () => [
    `${verdict}${more} among ${inWords(report)}`,
    ...destroyedOf(report),
    ...basisOf(report, options.checkpoint === true),
    ...repair,
  ]);
}

async function remember({ cli, out }: Call, store: SecureStore): Promise<void> {
  const { time, objects, deleted, purged } = await watchJob(
    cli,
    'checkpoint',
    store.checkpoint({ signal: cli.signal }),
  );
  const checkpoint = { time, objects, deleted, purged };
  await out.result(
    { checkpoint },
    () => `made a checkpoint of ${count(objects, 'object')}, with which the next verification compares`,
  );
}
