import type { StorageBackend } from '@securestore/backend-api';
import { SecureStoreError } from '@securestore/core-format';
import type { Job, JobContext, JobKind } from '@securestore/jobs';
import type { HealthArea, PassResult } from '@securestore/objects/internal';
import { publishScrub } from './channels.ts';
import { checkAmount, checkNames } from '../report/options.ts';
import { pace, plannedEnd } from './pacing.ts';
import { rateLayer } from './rate.ts';
import { changeScrubState, withFindings } from './state.ts';
import type { Pace } from './tally.ts';
import { Tally } from './tally.ts';
import type { RepairSource, ScrubFinding, ScrubOptions, ScrubReport } from './types.ts';

const OPTIONS = ['rate', 'within', 'payloads', 'repair'] as const;
const PHASE = 'scrubbing';

/** The store that is scrubbed. */
interface Place {
  readonly area: HealthArea;
  readonly url: string;
}

/** What a run is given beside what the job remembers. */
interface RunOptions {
  readonly pace: Pace;
  readonly repair: RepairSource | undefined;
}

async function runPart(
  { area, url }: Place,
  tally: Tally,
  { signal, progress, save }: JobContext<object>,
  repairFrom: StorageBackend | undefined,
  lost?: AsyncIterable<string>,
): Promise<PassResult> {
  const { clock } = area;
  const { rate, within, payloads } = tally.pace;
  const total = await area.count(signal);
  const byRate =
    rate === undefined ? 0 : ((await area.bytesFrom({ after: tally.position, payloads, signal })) / rate) * 1000;
  const byTime = within === undefined ? 0 : plannedEnd({ started: tally.started, within }) - clock.now();
  const eta = Math.max(byRate, byTime);
  progress({ phase: PHASE, total, ...(eta > 0 && { eta }) });
  let done = 0;
  return area.scrub({
    after: tally.position,
    payloads,
    repairFrom,
    lost,
    signal,
    layer: rate === undefined ? undefined : rateLayer(rate, clock),
    onBytes: (bytes) => progress({ bytes }),
    onFindings: async (findings) => {
      const news = tally.add(findings);
      for (const finding of news) publishScrub({ url, finding });
      if (news.length > 0) await changeScrubState(area, (state) => withFindings(state, news), signal);
    },
    onStray: (stray) => tally.addStray(stray),
    onPosition: async (position, counts) => {
      const now = counts.objects + counts.deleted;
      progress({ done: now - done });
      done = now;
      await save(tally.cursor(position, counts, clock.now()));
      if (within === undefined) return;
      await pace(clock, { started: tally.started, within, total }, tally.doneBefore + done, signal);
    },
  });
}

/** Notes what was scrubbed. A pass that reads no payloads is none of everything, and leaves what is known of them. */
async function remember(area: HealthArea, tally: Tally, report: ScrubReport, signal: AbortSignal): Promise<void> {
  const { started, ended, objects, bytes, found, repaired } = report;
  const { within, payloads } = tally.pace;
  const past = {
    started: started.getTime(),
    ended: Math.max(started.getTime(), ended.getTime()),
    objects,
    bytes,
    found,
    repaired,
    strays: tally.strayCount,
  };
  const open = tally.findings.filter((finding) => !finding.repaired);
  await changeScrubState(
    area,
    (before) => {
      const period = within ?? before.within;
      const last = payloads ? past : before.last;
      const unread = payloads ? [] : before.findings.filter((one) => one.kind === 'payload' && !tally.isKnown(one));
      return {
        open: found - repaired + unread.length,
        findings: [...open, ...unread],
        ...(last !== undefined && { last }),
        ...(period !== undefined && { within: period }),
      };
    },
    signal,
  );
}

function withKey(area: HealthArea, finding: ScrubFinding): ScrubFinding {
  const key = finding.key ?? area.keyAt(finding.name);
  return key === undefined ? finding : { key, ...finding };
}

async function run(place: Place, context: JobContext<object>, given: RunOptions | undefined): Promise<ScrubReport> {
  const { area, url } = place;
  const { signal, cursor } = context;
  const tally = new Tally(cursor, given?.pace, area.clock.now());
  const part = (copy?: StorageBackend, lost?: AsyncIterable<string>): Promise<PassResult> =>
    runPart(place, tally, context, copy, lost);
  const result = given?.repair === undefined ? await part() : await given.repair(part, signal);
  const { baseline, ...counts } = result;
  const ended = area.clock.now();
  const { started, found, repaired, findings, strays: foreign } = tally;
  const { within = Infinity } = tally.pace;
  const report: ScrubReport = {
    ok: found === repaired,
    started: new Date(started),
    ended: new Date(ended),
    ...tally.counts(counts),
    ...(baseline !== undefined && { baseline }),
    found,
    repaired,
    // What is kept between two runs has no keys in it.
    findings: findings.map((finding) => withKey(area, finding)),
    foreign,
    took: tally.took(ended),
    late: ended - started > within,
  };
  await remember(area, tally, report, signal);
  publishScrub({ url, report });
  return report;
}

/** Without options it goes on as the run before was told to, and repairs nothing. */
export function scrubKind(place: Place, options?: RunOptions): JobKind<object, ScrubReport> {
  return { name: 'scrub', parse: () => ({}), run: (context) => run(place, context, options) };
}

/** A pass that goes on for ever keeps everybody else from scrubbing: bytes a second, and ten years in milliseconds. */
const LEAST_RATE = 1;
const LONGEST = 3650 * 86_400_000;

function paceOf({ rate, within, payloads = true }: ScrubOptions): Pace {
  checkAmount('rate', rate, 'bytes a second', { from: LEAST_RATE });
  checkAmount('within', within, 'milliseconds', { to: LONGEST });
  if (typeof payloads !== 'boolean') {
    throw new SecureStoreError('INVALID_ARGUMENT', 'the option "payloads" must be true or false', {
      option: 'payloads',
    });
  }
  return { payloads, ...(rate !== undefined && { rate }), ...(within !== undefined && { within: Math.ceil(within) }) };
}

/** @param copies what a store URL stands for */
function repairOf(
  { repair }: ScrubOptions,
  copies: ((url: string) => RepairSource) | undefined,
): RepairSource | undefined {
  if (repair === undefined || typeof repair === 'function') return repair;
  if (typeof repair === 'string' && copies !== undefined) return copies(repair);
  throw new SecureStoreError(
    'INVALID_ARGUMENT',
    'the option "repair" must be a backup, or a function that opens a copy of the store',
    {
      option: 'repair',
    },
  );
}

/** Starts a scrub, or goes on with one that was interrupted. @throws SecureStoreError `INVALID_ARGUMENT`, `ACCESS_DENIED` for a member */
export function startScrub(
  place: Place,
  options: ScrubOptions,
  copies: ((url: string) => RepairSource) | undefined,
): Job<ScrubReport> {
  const { area } = place;
  checkNames(options, [...OPTIONS, 'signal', 'timeout']);
  if (area.isMember) {
    const message = 'a member cannot scrub: only an owner can check objects whose encryption keys were not granted';
    throw new SecureStoreError('ACCESS_DENIED', message);
  }
  const kind = scrubKind(place, { pace: paceOf(options), repair: repairOf(options, copies) });
  return area.runJob('scrub', options, new Set(OPTIONS), { kind, parameters: {} });
}
