import { SecureStoreError } from '@securestore/core-format';
import type { SecureStore } from 'securestore';
import { type Call, type ExitCode, SOME_FAILED } from '../call/call.ts';
import { watchJob } from '../terminal/job-progress.ts';
import { withStore } from '../store/open.ts';
import { isRemote } from '../store/served.ts';
import { withHints } from '../errors/refuse.ts';
import { count, formatTable, formatTime, printable } from '../terminal/terminal-text.ts';
import { watchWait } from '../terminal/wait-progress.ts';
import { Commands } from '../errors/hints.ts';

type JobSummary = Awaited<ReturnType<SecureStore['jobs']['list']>>[number];

const COLUMNS = [
  { title: 'JOB' },
  { title: 'KIND' },
  { title: 'STATE' },
  { title: 'DONE' },
  { title: 'STARTED' },
  { title: 'UPDATED' },
  { title: 'ERROR' },
] as const;

function doneText(summary: JobSummary): string {
  if (summary.kind === undefined) return '';
  const { phase, done, total } = summary.progress;
  const of = total === undefined ? '' : ` of ${total}`;
  return done === 0 && total === undefined ? printable(phase) : `${printable(phase)}, ${done}${of}`;
}

function row(summary: JobSummary): string[] {
  const { id, kind = 'unknown', state, updated, error = '' } = summary;
  const started = summary.kind === undefined ? '' : formatTime(new Date(summary.started));
  return [printable(id), printable(kind), state, doneText(summary), started, formatTime(new Date(updated)), error];
}

async function list({ cli, out }: Call, { jobs }: SecureStore): Promise<void> {
  const found = await jobs.list({ signal: cli.signal });
  if (out.json) {
    for (const summary of found) {
      const started = summary.kind === undefined ? {} : { started: new Date(summary.started) };
      await out.result({ ...summary, ...started, updated: new Date(summary.updated) }, () => []);
    }
    return;
  }
  if (found.length > 0) await out.result({}, () => formatTable(COLUMNS, found.map(row)));
  out.note(found.length === 0 ? 'there is no unfinished job' : count(found.length, 'unfinished job'));
}

/** How many items a report names as failed; reports differ by the kind of the job. */
function failedIn(report: unknown): number {
  const { failed } = (report ?? {}) as { readonly failed?: unknown };
  if (typeof failed === 'number') return failed;
  return Array.isArray(failed) ? failed.length : 0;
}

async function resume({ cli, out }: Call, { jobs }: SecureStore, id: string): Promise<ExitCode> {
  const report = await watchJob(cli, id, jobs.resume(id, { signal: cli.signal }));
  const failed = failedIn(report);
  await out.result({ id, done: true, report }, () => {
    const but = failed === 0 ? '' : `, and ${count(failed, 'item')} failed; --json names them`;
    return `the job ${printable(id)} is done${but}`;
  });
  return failed === 0 ? 0 : SOME_FAILED;
}

/** The verbs of jobs that only the same command resumes, by the kind of the job. */
const RESUMED_BY: ReadonlyMap<string, string> = new Map([
  ['restore', 'restore'],
  ['restore-store', 'restore'],
  ['drill', 'drill'],
]);

async function cancel(call: Call, store: SecureStore, id: string): Promise<ExitCode> {
  const { cli, out } = call;
  const commands = new Commands(call);
  // A principal who started the job at a server may cancel it, and not always list the jobs.
  const found = isRemote(store)
    ? undefined
    : (await store.jobs.list({ signal: cli.signal })).find((one) => one.id === id);
  await store.jobs.cancel(id, { signal: cli.signal });
  if (found?.state === 'interrupted') {
    await out.result(
      { id, cancelled: false },
      () => `the job ${printable(id)} is not running: there is nothing to stop`,
    );
    out.note(`hint: to give it up: ${printable(commands.on(['job', 'forget', id]))}`);
    return 0;
  }
  const verb = RESUMED_BY.get(found?.kind ?? id);
  const resuming =
    verb === undefined
      ? `to resume it: ${printable(commands.on(['job', 'resume', id]))}`
      : `to resume it, give the same ${verb} command once more`;
  await out.result({ id, cancelled: true }, () => {
    return `asked the job ${printable(id)} to stop, which takes up to 5 s; ${resuming}`;
  });
  return 0;
}

async function forget({ cli, out }: Call, { jobs }: SecureStore, id: string): Promise<void> {
  await watchWait(cli, 'seeing that no process runs it', jobs.forget(id, { signal: cli.signal }));
  await out.result({ id, forgotten: true }, () => `gave up the job ${printable(id)}`);
}

type Act = (call: Call, store: SecureStore, id: string) => Promise<ExitCode>;

/** A command about one job. */
const onJob =
  (act: Act) =>
  (call: Call, id: string): Promise<ExitCode> =>
    withStore<ExitCode>(call, (store) =>
      act(call, store, id).catch((error: unknown) => {
        if (!SecureStoreError.is(error, 'UNSUPPORTED')) throw error;
        // Some work is begun again and never resumed, such as a continuous backup.
        const verb = RESUMED_BY.get(id);
        const same = verb === undefined ? 'the command that began it' : `the same ${verb} command`;
        throw withHints(
          error,
          { text: `to resume it, give ${same} once more` },
          { text: 'to give it up', on: ['job', 'forget', id] },
        );
      }),
    );

/** `securestore job list`. */
export async function listJobs(call: Call): Promise<void> {
  await withStore(call, (store) => list(call, store));
}

/** `securestore job resume`. */
export const resumeJob: (call: Call, id: string) => Promise<ExitCode> = onJob(resume);

/** `securestore job cancel`. */
export const cancelJob: (call: Call, id: string) => Promise<ExitCode> = onJob(cancel);

/** `securestore job forget`. */
export const forgetJob: (call: Call, id: string) => Promise<ExitCode> = onJob(forget);
