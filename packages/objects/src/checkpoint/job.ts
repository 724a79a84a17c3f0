import type { Job, JobKind, Jobs } from '@securestore/jobs';
import type { Engine } from '../engine/engine.ts';
import type { CheckpointReport, MakeOptions } from './make.ts';
import type { JournalFinding } from '../journal/alarms.ts';
import type { Consumer } from '../journal/consumer.ts';
import { openConsumer } from '../journal/open-consumer.ts';
import { makeCheckpoint } from './make.ts';
import { shownValue } from '../util/shown-value.ts';
import { invalid } from '../util/invalid.ts';

/**
 * Started over when it is resumed: pages that were written are found, and the cut is to be a late one.
 *
 * @param afresh no parameter that is stored, so that the process that resumes a checkpoint that failed decides it
 */
export function checkpointKind(engine: Engine, afresh = false): JobKind<object, CheckpointReport> {
  return {
    name: 'checkpoint',
    parse: () => ({}),
    run({ signal, progress }) {
      progress({ phase: 'reading objects' });
      return followCheckpoint(engine, { afresh, signal, onExamined: () => progress({ done: 1 }) });
    },
  };
}

/** @throws SecureStoreError `INVALID_ARGUMENT` */
export function startCheckpoint(
  engine: Engine,
  jobs: Jobs,
  afresh: unknown,
  signal: AbortSignal,
): Job<CheckpointReport> {
  if (typeof afresh !== 'boolean') {
    invalid(`the option "afresh" must be a boolean, got ${shownValue(afresh)}`, 'afresh');
  }
  return jobs.start(checkpointKind(engine, afresh), {}, { signal });
}

/** The label of the consumer that checkpoints are made by. */
const LABEL = 'checkpoint';

const MAX_ALARMS = 100;

/** What has changed since the last checkpoint. `undefined` if only a look at all objects tells. */
async function changesOf(
  consumer: Consumer,
  alarms: JournalFinding[],
  signal: AbortSignal | undefined,
): Promise<Iterable<string> | undefined> {
  const tokens = new Set<string>();
  if (!consumer.passDue) {
    const cut = await consumer.cut(({ token }) => void tokens.add(token), signal);
    alarms.push(...cut.alarms);
  }
  if (!consumer.passDue) return tokens;
  // What it finds changed is looked at again with everything else.
  alarms.push(...(await consumer.pass(() => undefined, { signal })));
  return undefined;
}

/**
 * Makes a checkpoint from what the journal says has changed if it is on, and else from all objects.
 *
 * @throws SecureStoreError as {@link makeCheckpoint} does; `CONFLICT` if another process makes one as well
 */
async function followCheckpoint(engine: Engine, options: Omit<MakeOptions, 'changed'>): Promise<CheckpointReport> {
  const { signal } = options;
  await engine.monitor.refresh(signal);
  // Who has not asked for a journal does not pay for one.
  if (engine.monitor.state.head.journal === 'off') return makeCheckpoint(engine, options);
  const alarms: JournalFinding[] = [];
  // Anew, it looks at all objects. What the checkpoint before says stays said.
  const consumer = await openConsumer(engine, LABEL, signal, (alarm) => void alarms.push(alarm));
  const report = await makeCheckpoint(engine, { ...options, changed: () => changesOf(consumer, alarms, signal) });
  await consumer.commit();
  return { ...report, findings: alarms.slice(0, MAX_ALARMS).map(({ message }) => message) };
}
