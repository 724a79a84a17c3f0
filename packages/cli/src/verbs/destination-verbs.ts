import { type Command, Option } from 'commander';
import { addNoun, addVerb, type Noun, type Run } from '../call/call.ts';
import type { DestinationsOptions } from '../commands/destinations.ts';
import type { RetentionOptions } from '../commands/retention.ts';
import type { ScheduleOptions } from '../commands/schedule.ts';
import { required } from '../options/required.ts';
import { renamed } from '../options/old-spelling.ts';

function addDestination(program: Command, run: Run): void {
  const noun: Noun = {
    name: 'destination',
    aliases: ['destinations'],
    summary: 'list the destinations of backups; add or remove one',
    notes: `The first backup to a destination adds it. From then on every rotation rewraps the keys that are stored there, and the
destination is checked before encryption keys are destroyed.`,
    examples: ['securestore destination list'],
  };
  const LIST = { text: 'to list the destinations', on: ['destination', 'list'] };
  addNoun(program, run, noun, (destination) => {
    addVerb<DestinationsOptions, []>(destination, run, {
      usage: 'list',
      isDefault: true,
      summary: 'list the destinations, what each keeps, and whether it is there',
      examples: ['securestore destination list'],
      load: async () => (await import('../commands/destinations.ts')).listDestinations,
    });
    addVerb<DestinationsOptions, [string]>(destination, run, {
      usage: 'add <url>',
      summary: 'add a destination before its first backup',
      options: [
        new Option(
          '--take-over',
          'in a restored store: take over the backups of the store it was restored from, which can then no longer use them',
        ),
      ],
      notes:
        'Use it for backup operators: they were granted the encryption keys of backups, and may not add a destination.',
      examples: ['securestore destination add file:./backup'],
      load: async () => (await import('../commands/destinations.ts')).addDestination,
    });
    addVerb<DestinationsOptions, [string]>(destination, run, {
      usage: 'remove <url|id>',
      summary: 'remove a destination; its backups stay',
      options: [new Option('--schedules', 'also remove the schedules of the destination')],
      examples: ['securestore destination remove file:./backup --schedules'],
      whenMissing: LIST,
      load: async () => (await import('../commands/destinations.ts')).removeDestination,
    });
  });
}

function retentionOptions(): Option[] {
  return [
    ...renamed(new Option('--keep-last <count>', 'keep so many of the newest snapshots'), '--last <count>'),
    ...renamed(
      new Option('--keep-hourly <count>', 'keep the newest snapshot of each hour that has one, for so many hours'),
      '--hourly <count>',
    ),
    ...renamed(new Option('--keep-daily <count>', 'the same for days'), '--daily <count>'),
    ...renamed(new Option('--keep-weekly <count>', 'the same for weeks'), '--weekly <count>'),
    ...renamed(new Option('--keep-monthly <count>', 'the same for months'), '--monthly <count>'),
    ...renamed(new Option('--keep-yearly <count>', 'the same for years'), '--yearly <count>'),
    ...renamed(
      new Option('--keep-within <time>', 'keep all that are at most this much older than the newest, such as 14d'),
      '--within <time>',
    ),
    ...renamed(
      new Option('--keep-continuous <time>', 'how long every second can be restored (default: 7d)'),
      '--continuous <time>',
    ),
    new Option('--time-zone <zone>', 'the time zone of days and weeks, such as Europe/Berlin (default: UTC)'),
    new Option('--set', 'store the rules for the destination, and remove nothing now').conflicts(['dryRun', 'damaged']),
    new Option('--damaged', 'besides what no rule keeps, remove damaged snapshots, which otherwise keep everything'),
    new Option('--dry-run', 'show what would be kept, and why'),
  ];
}

function addRetention(program: Command, run: Run): void {
  addVerb<RetentionOptions, [string]>(program, run, {
    usage: 'retention <destination>',
    summary: 'remove the snapshots that no rule keeps, and the files that only they need',
    options: retentionOptions(),
    notes: `Without rules, those that were set for the destination apply. The newest snapshot always stays. A backup that runs at the
same time loses nothing.

--damaged removes snapshots of which the own file cannot be read, and also those that the rules do not keep; --dry-run marks
the damaged ones. If no rules are given or set, only damaged ones go. A snapshot stays if only other files of it are damaged,
which "securestore verify <destination>" finds.

Exit code 8 if the destination refuses to remove something; each is one line, and a later run removes it once that is
allowed. Exit code 4 if the destination lets nothing be removed; then nothing is changed.`,
    examples: [
      'securestore retention file:./backup --keep-daily 14 --keep-weekly 8 --dry-run',
      'securestore retention file:./backup --keep-daily 14 --set',
    ],
    load: async () => (await import('../commands/retention.ts')).retention,
  });
}

function addScheduleAction(schedule: Command, run: Run): void {
  addVerb<ScheduleOptions, [string, string]>(schedule, run, {
    usage: 'add <name> <destination>',
    summary: 'add a schedule',
    options: [
      required(
        new Option('--cron <times>', 'minute, hour, day of month, month, day of week, such as "30 2 * * *", or @daily'),
      ),
      new Option('--task <task>', 'the task (default: backup)').choices(['backup', 'verify', 'drill', 'retention']),
      ...renamed(
        new Option(
          '--rolling <time>',
          'with the task verify: each run reads what is due, so that everything is read within this time, such as 30d',
        ),
        '--within <time>',
      ),
      new Option('--time-zone <zone>', 'the time zone of --cron, such as Europe/Berlin (default: UTC)'),
      new Option('--jitter <time>', 'start at a random time up to this much later, such as 10m'),
      new Option('--paused', 'add it, and start no run'),
      new Option('--replace', 'replace the schedule that has this name'),
    ],
    notes: `The destination must be registered, which a first securestore backup does, or securestore destination add. The task
retention needs rules, which securestore retention --set stores.`,
    examples: [
      "securestore schedule add nightly file:./backup --cron '30 2 * * *'",
      'securestore schedule add prune file:./backup --cron @daily --task retention',
    ],
    load: async () => (await import('../commands/schedule.ts')).addSchedule,
  });
}

function addRunAction(schedule: Command, run: Run): void {
  addVerb<ScheduleOptions, [string | undefined]>(schedule, run, {
    usage: 'run [name]',
    summary: 'run the tasks that are due, until interrupted; or one schedule, now',
    options: [
      new Option('--once', 'run what is due now, and end'),
      new Option('--webhook <url>', 'the URL to POST alerts to (or $SECURESTORE_WEBHOOK_URL)'),
      new Option('--exec <program>', 'a program that gets each alert as JSON on its stdin'),
      new Option('--test-alert', 'send a test alert by --webhook and --exec, without a store, and end'),
      new Option('--before <program>', 'a program to run before each run; if it fails, the run is skipped'),
      new Option('--after <program>', 'a program to run after each run, whatever its result'),
      new Option('--hook-timeout <time>', 'how long these programs may take (default: 10m)'),
      new Option('--ping <url>', 'the URL to GET after every run that succeeded (or $SECURESTORE_PING_URL)'),
    ],
    notes: `With a name, that schedule is run once now, whether it is due, not due or paused. Its next run does not change.

One run makes up for all runs that were missed. Any number of processes may run the schedules: each run is done by one of
them. An alert is sent once when a condition begins and once when it ends: a backup that is too old, a run that is overdue
or failed, an unusual size, a backup that was not verified for long. To see that alerts arrive, send one with --test-alert:
a test alert that begins and ends. Exit code 8 if it could not be sent.

The programs of --exec, --before and --after must exist when the command begins.

--before and --after get the details of the run in $SECURESTORE_RUN_SCHEDULE, _TASK, _DESTINATION, _OCCURRENCE, _ATTEMPT,
and --after also _END (success, failure, released, lost), _ERROR, _DURATION_MS. They are never kept in the store.`,
    examples: ['securestore schedule run nightly', 'securestore schedule run --test-alert --exec ./notify'],
    load: async () => (await import('../commands/schedule.ts')).runSchedules,
  });
}

function addSchedule(program: Command, run: Run): void {
  const noun: Noun = {
    name: 'schedule',
    aliases: ['schedules'],
    summary: 'schedule backups and their checks, and run what is due',
    notes: `A schedule runs one task: backup, verify, drill or retention. To remove old snapshots as well, add a second schedule with
--task retention.

Nothing runs unless a process runs securestore schedule run. Keep one alive, such as by a service of systemd with
Restart=always; or have cron start securestore schedule run --once every few minutes, which runs what is due and ends.`,
    examples: ['securestore schedule list'],
  };
  addNoun(program, run, noun, (schedule) => {
    addVerb<ScheduleOptions, []>(schedule, run, {
      usage: 'list',
      isDefault: true,
      summary: 'list the schedules, with their last and next run',
      examples: ['securestore schedule list'],
      load: async () => (await import('../commands/schedule.ts')).listSchedules,
    });
    addScheduleAction(schedule, run);
    addVerb<ScheduleOptions, [string]>(schedule, run, {
      usage: 'remove <name>',
      summary: 'remove a schedule',
      examples: ['securestore schedule remove nightly'],
      whenMissing: { text: 'to list the schedules', on: ['schedule', 'list'] },
      load: async () => (await import('../commands/schedule.ts')).removeSchedule,
    });
    addRunAction(schedule, run);
  });
}

/** Adds the verbs of the destinations of backups. */
export function addDestinationVerbs(program: Command, run: Run): void {
  program.commandsGroup('Backup:');
  for (const add of [addDestination, addRetention, addSchedule]) add(program, run);
}
