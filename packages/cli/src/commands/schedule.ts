import { exitCodeOf, SecureStoreError } from '@securestore/core-format';
import type { RunHook, RunSchedulesOptions, ScheduleInfo, ScheduleSettings, SecureStore } from 'securestore';
import { type AlertOptions, checkProgram, sendTestAlert, fromUrl, sinksOf } from '../backup/alert-sinks.ts';
import { isLossFound, lostInWords } from '../backup/lost-words.ts';
import { refuseMemory } from '../backup/backup-place.ts';
import { type Call, type ExitCode, SOME_FAILED } from '../call/call.ts';
import { loggerFor, withStore } from '../store/open.ts';
import { parseDurationWithin, parseRolling } from '../call/parse-time.ts';
import { hintsOf } from '../errors/advice-hints.ts';
import { Commands, hintText } from '../errors/hints.ts';
import { refusal, refuse, usageHint, withHints } from '../errors/refuse.ts';
import { isRemote, notServed } from '../store/served.ts';
import { count, formatTable, formatTime, printable } from '../terminal/terminal-text.ts';
import { whileOpen } from '../call/while-open.ts';

export interface ScheduleOptions extends AlertOptions {
  readonly cron?: string;
  readonly task?: ScheduleSettings['task'];
  readonly timeZone?: string;
  readonly jitter?: string;
  readonly rolling?: string;
  readonly paused?: boolean;
  readonly replace?: boolean;
  readonly once?: boolean;
  readonly before?: string;
  readonly after?: string;
  readonly hookTimeout?: string;
  readonly ping?: string;
  readonly testAlert?: boolean;
}

type ScheduleCall = Call<ScheduleOptions>;
type Schedules = SecureStore['schedules'];

/** The options that name a program. */
const PROGRAMS = ['exec', 'before', 'after'] as const;

const HOUR = 3_600_000;

const COLUMNS = [
  { title: 'SCHEDULE' },
  { title: 'WHEN' },
  { title: 'WHAT' },
  { title: 'DESTINATION' },
  { title: 'NEXT' },
  { title: 'LAST' },
] as const;

const NOTHING_SCHEDULED = 'nothing is scheduled yet; securestore schedule add does it';

function lastText({ last, failures, overdueSince }: ScheduleInfo): string {
  if (overdueSince !== undefined) return `overdue since ${formatTime(overdueSince)}`;
  if (last === undefined) return '';
  const when = formatTime(new Date(last.started));
  return last.error === undefined ? when : `${when} failed [${last.error}]${failures > 1 ? `, ${failures} times` : ''}`;
}

function row(info: ScheduleInfo, shown: (text: string) => string): string[] {
  const { id, cron, timeZone, task, destination, within, next } = info;
  const what = within === undefined ? task : `${task} within ${Math.round(within / HOUR)} h`;
  const when = timeZone === undefined ? cron : `${cron} ${timeZone}`;
  return [id, when, what, shown(destination), next === undefined ? 'paused' : formatTime(next), lastText(info)];
}

async function list({ out }: ScheduleCall, { schedules }: SecureStore): Promise<void> {
  const found = await schedules.list();
  if (out.json) for (const info of found) await out.result(info, () => []);
  else if (found.length === 0) out.note(NOTHING_SCHEDULED);
  else {
    const rows = found.map((info) => row(info, out.name));
    await out.result({}, () => formatTable(COLUMNS, rows));
    out.note(count(rows.length, 'schedule'));
  }
}

/** The schedule to add, with everything that a schedule needs. @throws `INVALID_ARGUMENT`, before a store is opened */
function additionOf(options: ScheduleOptions, id: string, destination: string): Parameters<Schedules['add']>[0] {
  const { cron, task = 'backup', timeZone, jitter, rolling, paused } = options;
  if (cron === undefined) {
    refuse('schedule add needs a name, a destination and --cron', {
      text: 'such as schedule add nightly file:/backup --cron "30 2 * * *"',
    });
  }
  refuseMemory(destination);
  return {
    id,
    cron,
    task,
    destination,
    ...(timeZone === undefined ? {} : { timeZone }),
    ...(jitter === undefined ? {} : { jitter: parseDurationWithin('--jitter', jitter, { from: '0s', to: '1d' }) }),
    ...(rolling === undefined ? {} : { within: parseRolling(rolling) }),
    ...(paused === undefined ? {} : { paused }),
  };
}

async function add(call: ScheduleCall, store: SecureStore, addition: Parameters<Schedules['add']>[0]): Promise<void> {
  const { out, options } = call;
  const { schedules } = store;
  const { id, task, destination } = addition;
  const there = (await schedules.list()).find((one) => one.id === id);
  if (there !== undefined && options.replace !== true) {
    const what = `${there.task} to ${there.destination}, ${there.cron}`;
    throw refusal('ALREADY_EXISTS', `the schedule ${JSON.stringify(id)} already exists: ${what}`, {
      hints: [{ text: 'choose another name, or add --replace' }],
    });
  }
  await schedules.add(addition).catch((error: unknown) => {
    const isCron = SecureStoreError.is(error, 'INVALID_ARGUMENT') && error.option === 'cron';
    throw isCron ? withHints(error, usageHint('schedule add')) : error;
  });
  const info = (await schedules.list()).find((one) => one.id === id);
  await out.result({ ...info }, () => {
    const next = info?.next === undefined ? 'it is paused' : `next at ${formatTime(info.next)}`;
    return `${id} runs ${task} to ${printable(destination)}; ${next}`;
  });
  out.note('tasks run only while a process runs them; to start one: securestore schedule run');
  if (task === 'retention' && info !== undefined) await noteNoRules(call, store, info.destination);
}

/** A schedule may be added before the rules of its destination are set. */
async function noteNoRules(call: ScheduleCall, { backups }: SecureStore, destination: string): Promise<void> {
  const found = (await backups.destinations()).find(({ url }) => url === destination);
  if (found === undefined || found.retention !== undefined) return;
  const rules = new Commands(call).on(['retention', destination], { set: true, 'keep-daily': '14' });
  call.out.warning(`no rules are set for ${destination}, and runs fail without; to set some: ${rules}`);
}

async function run(
  call: ScheduleCall,
  store: SecureStore,
  hookTimeout: number | undefined,
  name: string | undefined,
): Promise<ExitCode> {
  if (isRemote(store)) notServed('schedule run');
  const { cli, out, options } = call;
  const { deadManPing, execRunHook } = await import('securestore');
  const ping = options.ping ?? cli.env['SECURESTORE_PING_URL'];
  const sinks = await sinksOf(call);
  const hookOf = (program: string | undefined): RunHook | undefined =>
    program === undefined ? undefined : execRunHook({ command: [program] });
  const tellPing = ping === undefined ? undefined : fromUrl('--ping', () => deadManPing({ url: ping }));
  const logger = loggerFor(call);
  const say = (error: unknown): void => logger.warn({}, SecureStoreError.is(error) ? error.message : 'a run failed');
  let [runs, failed, losing] = [0, 0, 0];
  if (options.once !== true && name === undefined) {
    out.note('running the schedules of the store; press Ctrl-C to stop');
    if (sinks.length === 0)
      out.note('alerts are sent nowhere; to have them sent, give --webhook URL or --exec PROGRAM');
  }
  const running = (signal: AbortSignal): Promise<unknown> => {
    const given: RunSchedulesOptions = {
      sinks,
      before: hookOf(options.before),
      after: hookOf(options.after),
      ...(hookTimeout === undefined ? {} : { hookTimeout }),
      signal,
      onFailure: say,
      async onRun({ schedule: { id, task: work }, occurrence, end, error, message, advice = [], ...told }) {
        const { findings, missing } = told;
        runs += 1;
        if (end !== 'success') failed += 1;
        if (isLossFound({ findings, missing })) losing += 1;
        const why = message === undefined ? '' : `: ${printable(message)}`;
        const outcome = error === undefined ? end : `${end}${why} [${error}]`;
        const { task, destination } = work;
        await out.result(
          {
            id,
            task,
            destination,
            occurrence: new Date(occurrence),
            end,
            ...(error === undefined ? {} : { error }),
            ...(message === undefined ? {} : { message }),
            ...(findings === undefined || findings.length === 0 ? {} : { findings }),
            ...(missing === undefined || missing.count === 0 ? {} : { missing }),
          },
          () => {
            return `${id}: ${task} to ${printable(destination)}: ${outcome}`;
          },
        );
        for (const hint of hintsOf(advice, call)) out.note(`hint: ${printable(hintText(hint))}`);
        for (const line of lostInWords(told, new Commands(call), destination)) out.note(line);
        const unheard = await tellPing?.(end);
        if (unheard !== undefined) say(unheard);
      },
    };
    if (name !== undefined) return store.schedules.runNow(name, given);
    return store.schedules.run({ ...given, once: options.once === true });
  };
  // Nothing runs any more if the store has moved or was restored; the exit code tells the person who watches this process.
  await whileOpen(store, cli.signal, running);
  if (cli.signal.aborted) {
    const made = `${count(runs, 'run')} ${runs === 1 ? 'was' : 'were'} made, ${failed} of them without success`;
    await out.result({ summary: { stopped: true, runs, failed } }, () => {
      return `stopped; ${made}; securestore schedule run resumes, and makes up for what is missed until then`;
    });
    return exitCodeOf('ABORTED');
  }
  await sayNext(call, store, runs, failed);
  return failed + losing === 0 ? 0 : SOME_FAILED;
}

/** Of a run that had nothing to do, when there is something again. */
async function sayNext({ out }: ScheduleCall, { schedules }: SecureStore, runs: number, failed: number): Promise<void> {
  const all = await schedules.list();
  const coming = all.flatMap(({ id, next }) => (next === undefined ? [] : [{ id, at: next }]));
  const [first] = coming.toSorted((a, b) => a.at.getTime() - b.at.getTime());
  const when = first === undefined ? 'all schedules are paused' : `next is ${first.id}, at ${formatTime(first.at)}`;
  await out.result({ summary: { runs, failed, ...(first && { next: first }) } }, () => {
    if (runs > 0) return [];
    return all.length === 0 ? NOTHING_SCHEDULED : `nothing is due; ${when}`;
  });
}

/** `securestore schedule list`. */
export async function listSchedules(call: ScheduleCall): Promise<void> {
  await withStore(call, (store) => list(call, store));
}

/** `securestore schedule add`. */
export async function addSchedule(call: ScheduleCall, name: string, destination: string): Promise<void> {
  const addition = additionOf(call.options, name, destination);
  await withStore(call, (store) => add(call, store, addition));
}

/** `securestore schedule remove`. */
export async function removeSchedule(call: ScheduleCall, name: string): Promise<void> {
  const { out } = call;
  await withStore(call, async ({ schedules }) => {
    await schedules.remove(name);
    await out.result({ id: name, removed: true }, () => `removed the schedule ${printable(name)}`);
  });
}

/** `securestore schedule run`. */
export async function runSchedules(call: ScheduleCall, name: string | undefined): Promise<ExitCode> {
  const { hookTimeout, once } = call.options;
  if (name !== undefined && once === true) refuse('--once runs what is due; leave it out to run one schedule');
  for (const option of PROGRAMS) {
    const program = call.options[option];
    if (program !== undefined) checkProgram(call.cli, `--${option}`, program);
  }
  if (call.options.testAlert === true) {
    if (name !== undefined) refuse('--test-alert runs no schedule; leave out its name');
    return await sendTestAlert(call);
  }
  const limits = { from: '1s', to: '1d' };
  const timeout = hookTimeout === undefined ? undefined : parseDurationWithin('--hook-timeout', hookTimeout, limits);
  return await withStore<ExitCode>(call, (store) => run(call, store, timeout, name));
}
