import type { CheckpointEntry, RecordHeader } from '@securestore/core-format';
import { formatVersion, historyPrefix, historyVersion, isZero, objectName } from '@securestore/core-format';
import type { Expectation } from '../checkpoint/baseline.ts';
import type { Contradiction } from '../checkpoint/compare.ts';
import { compare } from '../checkpoint/compare.ts';
import type { Engine } from '../engine.ts';
import { mapConcurrently } from '../map-concurrently.ts';
import type { Observed } from '../observe.ts';
import { observe } from '../observe.ts';
import type { LiveRecord } from '../records.ts';
import { versionOf } from '../records.ts';
import type { BlobCounts } from './blobs.ts';
import { checkBlobs } from './blobs.ts';
import type { Finding, FindingKind } from './report.ts';

const READS = 4;

/** What is looked at. */
export interface Subject {
  readonly token: string;
  /** The names of its history, newest first; asked for when its current record has been read. */
  readonly history: () => Promise<readonly string[]>;
  readonly expected: Expectation;
}

export interface LookOptions {
  /** Whether to read payloads too, and open them. */
  readonly payloads: boolean;
  readonly onBytes: (bytes: number) => void;
  readonly signal: AbortSignal | undefined;
}

/** What was seen of one object. */
export interface Look extends BlobCounts {
  readonly kind: 'object' | 'deletion' | 'nothing';
  readonly versions: number;
  readonly unreadable: number;
  readonly findings: readonly Finding[];
}

/** A version in the history that can be read, or whose header at least can. */
interface PastVersion {
  readonly name: string;
  readonly header: RecordHeader;
}

function numberOf({ version, commit }: CheckpointEntry): string {
  return formatVersion(version, commit);
}

function nameOf(engine: Engine, token: string, records: readonly LiveRecord[]): string | undefined {
  const [first] = records;
  if (first !== undefined) return first.body.name;
  try {
    const opened = engine.names.open(token);
    return 'hidden' in opened ? undefined : opened.name;
  } catch {
    return undefined;
  }
}

const MESSAGES: Readonly<Record<Contradiction, string>> = {
  damaged: 'its record is not what was stored there',
  hidden: 'it is gone, though nobody deleted it',
  'rolled-back': 'an older version lies in the place of a newer one',
  resurrected: 'it is there again, though it was deleted',
  replaced: 'another record lies there under the same version',
  unlisted:
    'the last checkpoint does not know it, though it is older: it was brought back from before, or it is a write that landed late and was never acknowledged',
};

/** Findings about one object, which share its name. */
class Findings {
  readonly list: Finding[] = [];

  add(kind: FindingKind, name: string, message: string, versions: { expected?: string; found?: string } = {}): void {
    this.list.push({ kind, name, ...versions, message });
  }

  named(key: string | undefined): Finding[] {
    return key === undefined ? this.list : this.list.map((finding) => ({ key, ...finding }));
  }
}

function judgeCurrent(findings: Findings, { token, expected }: Subject, observed: Observed): void {
  const contradiction = compare(expected.entry, observed, expected.floor);
  if (contradiction === undefined) return;
  const reason = observed.state === 'damaged' ? observed.reason : MESSAGES[contradiction];
  findings.add(contradiction, objectName(token), reason, {
    ...(expected.entry === undefined ? {} : { expected: numberOf(expected.entry) }),
    ...('header' in observed ? { found: versionOf(observed.header) } : {}),
  });
}

/** Reads the history. What has gone meanwhile is left out. */
async function readHistory(
  engine: Engine,
  { token, history }: Subject,
  findings: Findings,
  signal: AbortSignal | undefined,
): Promise<{ past: PastVersion[]; live: LiveRecord[]; unreadable: number; gaps: boolean }> {
  const past: PastVersion[] = [];
  const live: LiveRecord[] = [];
  let unreadable = 0;
  let gaps = false;
  const prefix = historyPrefix(token);
  const looks = mapConcurrently(await history(), READS, async (name) => ({
    name,
    observed: await observe(engine, token, name, signal),
  }));
  for await (const { name, observed } of looks) {
    if (observed.state === 'absent') continue;
    const version = historyVersion(prefix, name);
    if (observed.state === 'damaged') {
      gaps = true;
      findings.add('damaged', name, observed.reason);
      continue;
    }
    if (observed.header.version !== version) {
      gaps = true;
      const found = versionOf(observed.header);
      findings.add('damaged', name, 'a version lies under the name of another', { found });
      continue;
    }
    if (observed.state === 'destroyed') unreadable += 1;
    else if (observed.opened.kind === 'object') live.push(observed.opened);
    past.push({ name, header: observed.header });
  }
  return { past, live, unreadable, gaps };
}

/** What collection may have removed: what is older than the newest versions, and not over the floor of the head. */
function mayBeCollected(engine: Engine, kept: number, oldest: number, collected: number): boolean {
  const { history, versionFloor } = engine.watcher.state.head;
  return collected > oldest || (kept >= history.versions && versionFloor > oldest);
}

/** Each version names the commit before it: versions that are missing show. */
function judgeHistory(
  engine: Engine,
  { token, expected }: Subject,
  current: RecordHeader,
  past: readonly PastVersion[],
  findings: Findings,
): void {
  const collected = expected.entry?.collected ?? 0;
  let after = current;
  let kept = 0;
  // A copy of the current version is left by an attempt that stopped half-way; what is newer came while this looked.
  for (const { name, header } of past.filter(({ header: { version } }) => version < current.version)) {
    if (isZero(after.previousCommitId)) {
      const message = 'a version from before a purge is there again, or its purge was not finished: purge it again';
      findings.add('resurrected', name, message, { found: versionOf(header) });
      continue;
    }
    const follows = Buffer.compare(after.previousCommitId, header.commitId) === 0;
    if (!follows && !mayBeCollected(engine, kept, header.version, collected)) {
      const message = `versions between ${versionOf(header)} and ${versionOf(after)} are missing from its history`;
      findings.add('history', historyPrefix(token), message, { expected: versionOf(after), found: versionOf(header) });
    }
    kept += 1;
    after = header;
  }
  if (isZero(after.previousCommitId) || mayBeCollected(engine, kept, 0, collected)) return;
  findings.add('history', historyPrefix(token), `the version before ${versionOf(after)} is missing from its history`, {
    found: versionOf(after),
  });
}

/**
 * Looks at one object: its current record, its history, and where its payloads lie. What is found may have come from
 * changes that are under way; what is still so later is certain.
 */
export async function lookAtObject(engine: Engine, subject: Subject, options: LookOptions): Promise<Look> {
  const { token } = subject;
  const { signal } = options;
  const findings = new Findings();
  const observed = await observe(engine, token, objectName(token), signal);
  judgeCurrent(findings, subject, observed);
  const { past, live, unreadable, gaps } = await readHistory(engine, subject, findings, signal);
  if (observed.state === 'absent' && past.length > 0 && findings.list.length === 0) {
    findings.add('hidden', objectName(token), 'it is gone, though its history is there');
  }
  // Where a version can't be read, neither can which one comes before it.
  if ('header' in observed && !gaps) judgeHistory(engine, subject, observed.header, past, findings);
  const current = observed.state === 'sound' && observed.opened.kind === 'object' ? [observed.opened] : [];
  const records = [...current, ...live];
  const blobs = await checkBlobs(engine, token, records, options);
  for (const { name, message } of blobs.problems) findings.add('payload', name, message);
  const kind = 'header' in observed ? (observed.header.kind === 'object' ? 'object' : 'deletion') : 'nothing';
  return {
    kind,
    versions: past.length,
    unreadable: unreadable + (observed.state === 'destroyed' ? 1 : 0),
    blobs: blobs.blobs,
    parts: blobs.parts,
    findings: findings.named(nameOf(engine, token, records)),
  };
}
