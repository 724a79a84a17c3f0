import type { CheckpointEntry, RecordHeader } from '@securestore/core-format';
import {
  blobsPrefix,
  copyOf,
  formatVersion,
  historyPrefix,
  historyVersion,
  isZero,
  objectName,
} from '@securestore/core-format';
import type { Expectation } from '../../checkpoint/baseline.ts';
import type { Contradiction } from '../../checkpoint/contradiction.ts';
import { compare } from '../../checkpoint/contradiction.ts';
import { keptFor } from '../gc/retention.ts';
import type { Engine } from '../../engine/engine.ts';
import { keyOfToken } from '../../record/decode-name.ts';
import { mapConcurrently } from '../../util/map-concurrently.ts';
import type { Inspection } from '../../record/inspect-record.ts';
import { inspectRecord } from '../../record/inspect-record.ts';
import { blobIn, originOf, versionOf } from '../../record/open-record.ts';
import type { BlobCounts, LookOptions } from './blobs.ts';
import { checkBlobs, NeededBlobs } from './blobs.ts';
import type { Finding, FindingKind, ForeignObject } from './report.ts';

const READS = 4;
const MICROSECONDS = 1000;

/** What is looked at. */
export interface Subject {
  readonly token: string;
  /** The names of its history, newest first; asked for when its current record has been read. */
  readonly history: () => Promise<readonly string[]>;
  readonly expected: Expectation;
  /** Its payloads as they are listed, if those are looked for that no version names. */
  readonly parts?: () => Promise<ListedBlobs>;
}

/** Payloads by their ids, each with the time of its newest part, by the backend's clock, and its size in bytes. */
export type ListedBlobs = ReadonlyMap<string, { readonly modified: number; readonly bytes: number }>;

/** What was seen of one object. */
export interface Look extends BlobCounts {
  readonly kind: 'object' | 'deletion' | 'nothing';
  readonly versions: number;
  readonly unreadable: number;
  readonly findings: readonly Finding[];
  /** Payloads that no version names. */
  readonly strays: readonly ForeignObject[];
}

/** What is kept of a version while those before it are read: not the record, of which there may be many. */
interface Link extends Pick<RecordHeader, 'version' | 'commitId' | 'previousCommitId' | 'kind'> {
  /** The version with which its history begins; 0 if that isn't known. */
  readonly origin: number;
}

interface PastVersion {
  readonly name: string;
  readonly link: Link;
}

function linkOf(observed: Extract<Inspection, { readonly header: RecordHeader }>): Link {
  const { version, commitId, previousCommitId, kind } = observed.header;
  const origin = originOf(observed.state === 'sound' ? observed.opened : undefined);
  return { version, commitId: copyOf(commitId), previousCommitId: copyOf(previousCommitId), kind, origin };
}

/** What is gathered from all versions of an object. */
interface Gathered {
  readonly blobs: NeededBlobs;
  /** The name of the object, if a record tells it. */
  key: string | undefined;
  unreadable: number;
  /** Payloads of records whose keys are gone, or are to go, by their ids. */
  readonly locked: Set<string>;
}

function gather(gathered: Gathered, observed: Inspection): void {
  if (observed.state === 'destroyed') {
    gathered.unreadable += 1;
    const blob = blobIn(observed.header);
    if (blob !== undefined) gathered.locked.add(blob);
  }
  if (observed.state !== 'sound' || observed.opened.kind !== 'object') return;
  gathered.key ??= observed.opened.body.name;
  gathered.blobs.add(observed.opened);
}

function numberOf({ version, commit }: CheckpointEntry): string {
  return formatVersion(version, commit);
}

const MESSAGES: Readonly<Record<Contradiction, string>> = {
  damaged: 'the record is not what was stored',
  hidden: 'the object is missing, though it was not deleted',
  'rolled-back': 'an older version is stored in place of a newer one',
  resurrected: 'the object exists again, though it was deleted',
  replaced: 'another record is stored under the same version',
  unlisted:
    'the last checkpoint does not list the object, though the object is older. It was restored from before, or is a late write that was ' +
    'never acknowledged.',
};

const UNUSED = 'No read returns it, and garbage collection removes it once it is old.';

const LEFT_BEHIND =
  'a version from before the object was stored exists: it was put back, or the version after it was lost. ' +
  `${UNUSED} If a version was lost, restore it from a backup.`;

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

function judgeCurrent(findings: Findings, { token, expected }: Subject, observed: Inspection): void {
  const contradiction = compare(expected.entry, observed, expected.floor);
  if (contradiction === undefined) return;
  const reason = observed.state === 'damaged' ? observed.reason : MESSAGES[contradiction];
  findings.add(contradiction, objectName(token), reason, {
    ...(expected.entry === undefined ? {} : { expected: numberOf(expected.entry) }),
    ...('header' in observed ? { found: versionOf(observed.header) } : {}),
  });
}

/**
 * Reads the history. What has gone meanwhile is left out.
 *
 * A copy of the current version is left by an attempt that stopped half-way, which may not have known of keys and payloads
 * that a rotation replaced. Nobody reads it, and the next overwrite puts it right.
 */
async function readHistory(
  engine: Engine,
  { token, history }: Subject,
  current: Link | undefined,
  findings: Findings,
  gathered: Gathered,
  signal: AbortSignal | undefined,
): Promise<{ past: PastVersion[]; gaps: boolean }> {
  const past: PastVersion[] = [];
  let gaps = false;
  const prefix = historyPrefix(token);
  const looks = mapConcurrently(await history(), READS, async (name) => ({
    name,
    observed: await inspectRecord(engine, token, name, signal),
  }));
  for await (const { name, observed } of looks) {
    if (observed.state === 'absent') continue;
    const version = historyVersion(prefix, name);
    const isCopy = current !== undefined && version === current.version;
    if (observed.state === 'damaged') {
      if (isCopy && observed.retired) continue;
      gaps = true;
      findings.add('damaged', name, observed.reason);
      continue;
    }
    if (observed.header.version !== version) {
      gaps = true;
      const found = versionOf(observed.header);
      findings.add('damaged', name, 'a version is stored under the name of another', { found });
      continue;
    }
    if (!isCopy) gather(gathered, observed);
    past.push({ name, link: linkOf(observed) });
  }
  return { past, gaps };
}

/**
 * What collection may have removed: what is older than the newest versions, was replaced long enough ago, and is not over the
 * floor of the head. Collection goes by the backend's clock, which can't be read here without writing, so half a grace period is
 * left for how far that of this process may be behind it.
 *
 * @param replacedBy the version that replaced the newest one that is missing
 */
function mayBeCollected(engine: Engine, kept: number, oldest: number, { version: replacedBy }: Link): boolean {
  const { clock, gracePeriod, monitor } = engine;
  const { history, versionFloor } = monitor.state.head;
  const age = clock.now() - replacedBy / MICROSECONDS;
  const isOld = age >= keptFor({ history, gracePeriod }) - gracePeriod / 2;
  return isOld && kept >= history.versions && versionFloor > oldest;
}

/**
 * Why a version is older than the history of its object, and what to do. An object that was stored since must not be purged for that.
 *
 * @param oldest what the history begins with, as far as it is there
 */
function beforeOrigin(current: Link, oldest: Link): string {
  const isBegun = isZero(oldest.previousCommitId);
  if (isBegun && oldest.kind === 'object') return LEFT_BEHIND;
  const isPurgedNow = isBegun && oldest === current;
  const removes = isPurgedNow ? 'Another purge removes it.' : UNUSED;
  return `a version from before a purge exists: it was put back, or the purge was not finished. ${removes}`;
}

/** Each version names the commit before it: versions that are missing show. */
function judgeHistory(
  engine: Engine,
  { token }: Subject,
  current: Link,
  past: readonly PastVersion[],
  findings: Findings,
): void {
  let after: Link = current;
  let kept = 0;
  // A copy of the current version is left by an attempt that stopped half-way; what is newer came while this looked.
  for (const { name, link } of past.filter(({ link: { version } }) => version < current.version)) {
    if (isZero(after.previousCommitId) || link.version < current.origin) {
      findings.add('resurrected', name, beforeOrigin(current, after), { found: versionOf(link) });
      continue;
    }
    if (link.origin > 0 && current.origin > 0 && link.origin !== current.origin) {
      const message = 'another record is stored under the commit of this version: its history begins elsewhere';
      findings.add('replaced', name, message, { found: versionOf(link) });
      continue;
    }
    const follows = Buffer.compare(after.previousCommitId, link.commitId) === 0;
    if (!follows && !mayBeCollected(engine, kept, link.version, after)) {
      const message = `versions between ${versionOf(link)} and ${versionOf(after)} are missing from the history`;
      findings.add('history', historyPrefix(token), message, { expected: versionOf(after), found: versionOf(link) });
    }
    kept += 1;
    after = link;
  }
  if (isZero(after.previousCommitId) || mayBeCollected(engine, kept, 0, after)) return;
  findings.add('history', historyPrefix(token), `the version before ${versionOf(after)} is missing from the history`, {
    found: versionOf(after),
  });
}

/**
 * Payloads that no version names and a collection should have removed. As there, the backend's clock can't be read here without
 * writing, so half a grace period more is left for how far that of this process may be ahead of it.
 */
async function orphansOf(
  { clock, gracePeriod }: Engine,
  { token, parts }: Subject,
  { blobs: { blobs, problems }, locked }: Gathered,
): Promise<ForeignObject[]> {
  if (parts === undefined || problems.length > 0) return [];
  const oldest = clock.now() - gracePeriod * 1.5;
  return [...(await parts())].flatMap(([id, { modified, bytes }]) => {
    if (blobs.has(id) || locked.has(id) || modified > oldest) return [];
    const message = `${bytes} bytes of a payload belong to no version of the object. Garbage collection removes them.`;
    return [{ name: `${blobsPrefix(token)}${id}`, message }];
  });
}

/** The kind of the object under a token, also if its record is damaged or missing. */
function kindOf({ expected: { entry } }: Subject, current: Link | undefined, findings: Findings): Look['kind'] {
  if (current !== undefined) return current.kind === 'object' ? 'object' : 'deletion';
  if (findings.list.length === 0) return 'nothing';
  return entry === undefined || entry.kind === 'object' ? 'object' : 'deletion';
}

/**
 * Looks at one object: its current record, its history, and where its payloads are stored. What is found may have come from
 * changes that are under way; what is still so later is certain.
 */
export async function lookAtObject(engine: Engine, subject: Subject, options: LookOptions): Promise<Look> {
  const { token } = subject;
  const findings = new Findings();
  const gathered: Gathered = { blobs: new NeededBlobs(token), key: undefined, unreadable: 0, locked: new Set() };
  const observed = await inspectRecord(engine, token, objectName(token), options.signal);
  judgeCurrent(findings, subject, observed);
  gather(gathered, observed);
  const current = 'header' in observed ? { ...linkOf(observed), kind: observed.header.kind } : undefined;
  const { past, gaps } = await readHistory(engine, subject, current, findings, gathered, options.signal);
  if (observed.state === 'absent' && past.length > 0 && findings.list.length === 0) {
    findings.add(
      'hidden',
      objectName(token),
      'the object is missing, though it was not deleted: older versions of it exist',
    );
  }
  // If a version can't be read, neither can which one comes before it.
  if (current !== undefined && !gaps) judgeHistory(engine, subject, current, past, findings);
  const { blobs, parts, problems } = await checkBlobs(engine, token, gathered.blobs, options);
  for (const { name, message } of problems) findings.add('payload', name, message);
  // What a version that can't be read names is not known.
  const isKnown = observed.state !== 'damaged' && !gaps;
  const strays = isKnown ? await orphansOf(engine, subject, gathered) : [];
  return {
    kind: kindOf(subject, current, findings),
    versions: past.length,
    unreadable: gathered.unreadable,
    blobs,
    parts,
    findings: findings.named(gathered.key ?? keyOfToken(engine, token)),
    strays,
  };
}
