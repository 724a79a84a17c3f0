import { type Command, Option } from 'commander';
import { addNoun, addVerb, type Run } from '../call.ts';
import { collect } from '../global-options.ts';
import type { BackupOptions } from '../commands/backup.ts';
import type { DestinationsOptions } from '../commands/destinations.ts';
import type { DrillOptions } from '../commands/drill.ts';
import { renamed } from '../old-spelling.ts';
import type { RetentionOptions } from '../commands/retention.ts';
import type { RestoreOptions } from '../restore-way.ts';
import type { ScheduleOptions } from '../commands/schedule.ts';
import type { SnapshotsOptions } from '../commands/snapshots.ts';

function addBackup(program: Command, run: Run): void {
  addVerb<BackupOptions, [string]>(program, run, {
    usage: 'backup <destination>',
    summary: 'make a snapshot of the store at another location',
    options: [
      new Option('--label <text>', 'what the snapshot is called'),
      ...renamed(
        new Option(
          '--continuous',
          'keep backing up what changes until interrupted, so that every second can be restored',
        ).conflicts('label'),
        '--follow',
      ),
    ],
    notes: `The destination is a location like that of a store: a folder, a database, a bucket. The first snapshot copies everything,
later ones what has changed; each is whole by itself. What is copied is sealed as it is in the store, and the secrets of the
store open it: nothing else is needed to restore it, not even the store.

Exit code 8 where something was too damaged to be copied; each is one line.`,
    resume: () => [{ text: 'to go on', again: true }],
    load: async () => (await import('../commands/backup.ts')).backup,
  });
}

function addSnapshots(program: Command, run: Run): void {
  addVerb<SnapshotsOptions, [string]>(program, run, {
    usage: 'snapshots <destination>',
    summary: 'list the snapshots at a location, the newest first',
    options: [
      new Option('--windows', 'instead from when to when every moment can be restored, and how far that is behind'),
    ],
    notes: `Every moment in a window can be given to restore --at. backup --continuous makes windows that are long; a snapshot by itself is one
moment. Of what is between two windows a restore brings back what was there before the gap.`,
    load: async () => (await import('../commands/snapshots.ts')).snapshots,
  });
}

function addRestore(program: Command, run: Run): void {
  addVerb<RestoreOptions, [string | undefined]>(program, run, {
    usage: 'restore [source]',
    summary: 'bring back a snapshot: into the store, a new store, a folder, or one object to stdout',
    options: [
      new Option('--at <time>', 'a moment, of which a second is meant to its end; the newest snapshot by default'),
      new Option('--snapshot <number>', 'this one'),
      new Option('--prefix <prefix>', 'only objects whose names start with this; with --folder, a folder in the store'),
      new Option('--key <key>', 'only this object; repeated for several').argParser(collect),
      new Option('--into <prefix>', 'restore under names that start with this, in the place of --prefix'),
      new Option('--to <location>', 'make a new store there, which the same secrets open'),
      new Option('--folder <dir>', 'write the objects as files below a folder'),
      new Option('--stdout', 'write the data of the one --key'),
      new Option('--conflict <policy>', 'what to do where another version is there').choices([
        'fail',
        'skip',
        'newer',
        'overwrite',
        'rename',
      ]),
      new Option('--delete-extra', 'delete what is there now and was not there then'),
      new Option('--dry-run', 'say what would be done, with --json of each object'),
      new Option(
        '--ask <reason>',
        'over a server: ask a second person to approve what this would do, and do nothing yet',
      ),
      ...renamed(
        new Option('--check', 'read back what was restored into the store, and compare it with the backup'),
        '--verify',
      ),
      new Option('--receipt <file>', 'write what was done to a new file, signed by the store; --yes replaces one'),
      new Option('--partial', 'with --to: restore what is whole where the backup is damaged'),
      new Option('--give-up', 'let others write again after an interrupted restore of the whole store'),
    ],
    notes: `Without --to, --folder and --stdout objects are restored into the store, each as a new version, so what is there now
stays in its history. Restoring the whole store in place locks other writers out until it is done, makes a snapshot of what
there is first, and overwrites; restoring some objects refuses to replace any unless --conflict says so.

Examples:
  securestore restore file:/backup --at 2026-11-25T14:00:00Z --prefix db/ --dry-run
  securestore restore file:/backup --to sqlite:./again.db`,
    resume: () => [{ text: 'to go on with what is left', again: true }],
    load: async () => (await import('../commands/restore.ts')).restore,
  });
}

function addDrill(program: Command, run: Run): void {
  addVerb<DrillOptions, [string]>(program, run, {
    usage: 'drill <destination>',
    summary: 'restore a snapshot to a scratch place, compare it with the store, and measure how long that took',
    options: [
      new Option('--snapshot <number>', 'this one; the newest by default'),
      new Option('--scratch <location>', 'where to restore it, such as file:/var/tmp/drill; by default memory'),
      new Option('--receipt <file>', 'write what was shown to a new file, signed by the store; --yes replaces one'),
    ],
    notes: `Everything that is restored is opened, and removed again. Exit code 5 where the backup is bad; each problem is one line,
and what to do comes last.`,
    load: async () => (await import('../commands/drill.ts')).drill,
  });
}

function addDestination(program: Command, run: Run): void {
  const noun = {
    name: 'destination',
    aliases: ['destinations'],
    summary: 'list where the store is backed up; add or remove a destination',
    notes: `The first backup to a destination adds it: from then on every rotation brings it under the new keys, and it is asked
before keys are destroyed.`,
  };
  addNoun(program, run, noun, (destination) => {
    addVerb<DestinationsOptions, []>(destination, run, {
      usage: 'list',
      isDefault: true,
      summary: 'list the destinations, and what each keeps',
      load: async () => (await import('../commands/destinations.ts')).listDestinations,
    });
    addVerb<DestinationsOptions, [string]>(destination, run, {
      usage: 'add <location>',
      summary: 'add a destination before its first backup',
      notes:
        'That is for backup operators, who were granted the keys of backups and may not add destinations themselves.',
      load: async () => (await import('../commands/destinations.ts')).addDestination,
    });
    addVerb<DestinationsOptions, [string]>(destination, run, {
      usage: 'remove <location>',
      summary: 'remove a destination, and nothing of what is stored there',
      options: [new Option('--schedules', 'remove the schedules of the destination, too')],
      load: async () => (await import('../commands/destinations.ts')).removeDestination,
    });
  });
}

function addRetention(program: Command, run: Run): void {
  addVerb<RetentionOptions, [string]>(program, run, {
    usage: 'retention <destination>',
    summary: 'remove snapshots that are kept no longer, and what then nothing needs',
    options: [
      ...renamed(new Option('--keep-last <count>', 'keep the newest snapshots, so many'), '--last <count>'),
      ...renamed(
        new Option('--keep-hourly <count>', 'keep the newest of each hour that has one, for so many hours'),
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
      new Option('--time-zone <zone>', 'whose days and weeks are meant, such as Europe/Berlin; UTC by default'),
      new Option('--set', 'remember the rules for the destination, and remove nothing now'),
      new Option('--damaged', 'remove damaged snapshots, too, which otherwise keep everything there'),
      new Option('--dry-run', 'say what would be kept, and why'),
    ],
    notes: `Without rules those that were set for the destination hold. The newest snapshot stays in any case. A backup that runs
at the same time loses nothing. Exit code 8 where the place keeps something that was to go: each is one line, and it goes
the next time that it may; where it lets nothing go, exit code 4, and nothing is changed.`,
    load: async () => (await import('../commands/retention.ts')).retention,
  });
}

function addSchedule(program: Command, run: Run): void {
  const noun = {
    name: 'schedule',
    aliases: ['schedules'],
    summary: 'say when the store is backed up, verified or tried, and run what is due',
  };
  addNoun(program, run, noun, (schedule) => {
    addVerb<ScheduleOptions, []>(schedule, run, {
      usage: 'list',
      isDefault: true,
      summary: 'list the schedules, with their last and next run',
      load: async () => (await import('../commands/schedule.ts')).listSchedules,
    });
    addVerb<ScheduleOptions, [string, string]>(schedule, run, {
      usage: 'add <name> <destination>',
      summary: 'add a schedule',
      options: [
        new Option('--cron <times>', 'minute, hour, day of month, month, day of week, such as "30 2 * * *", or @daily'),
        new Option('--task <task>', 'what to do: backup, the default, or another').choices([
          'backup',
          'verify',
          'drill',
          'retention',
        ]),
        ...renamed(
          new Option(
            '--rolling <time>',
            'with the task verify: each run reads what is due, so that everything is read within this time, such as 30d',
          ),
          '--within <time>',
        ),
        new Option('--time-zone <zone>', 'whose clock --cron is about, such as Europe/Berlin; UTC by default'),
        new Option('--jitter <time>', 'begin up to so much later, such as 10m, so that not all begin at once'),
        new Option('--paused', 'add it, and begin no run'),
        new Option('--replace', 'add it in the place of the one that has the name already'),
      ],
      notes: `Examples:
  securestore schedule add nightly file:/backup --cron "30 2 * * *" --time-zone Europe/Berlin`,
      load: async () => (await import('../commands/schedule.ts')).addSchedule,
    });
    addVerb<ScheduleOptions, [string]>(schedule, run, {
      usage: 'remove <name>',
      summary: 'remove a schedule',
      load: async () => (await import('../commands/schedule.ts')).removeSchedule,
    });
    addVerb<ScheduleOptions, []>(schedule, run, {
      usage: 'run',
      summary: 'run what is due, until interrupted',
      options: [
        new Option('--once', 'do what is due now, and end'),
        new Option('--webhook <url>', 'where to POST what is not as it should be (or $SECURESTORE_WEBHOOK_URL)'),
        new Option('--exec <program>', 'a program that is told the same, as JSON on its standard input'),
        new Option('--before <program>', 'a program to run before each run; if it fails, the run is not made'),
        new Option('--after <program>', 'a program to run after each run, whatever came of it'),
        new Option('--hook-timeout <time>', 'how long these may take; 10m by default'),
        new Option('--ping <url>', 'what to GET after every run that succeeded (or $SECURESTORE_PING_URL)'),
      ],
      notes: `Runs that were missed are made up for by one. Any number of processes may run the schedules: each run is one process's.
Alerts are told once when something begins and once when it ends: a backup that is too old, a run that is overdue or failed, a
size out of the usual, what was not verified for long.

--before and --after get what is known of the run in $SECURESTORE_RUN_SCHEDULE, _TASK, _DESTINATION, _OCCURRENCE, _ATTEMPT, and
afterwards _END (success, failure, released, lost), _ERROR, _DURATION_MS. They are never kept in the store.

Examples:
  securestore schedule run --ping https://hc.example/3f8c`,
      load: async () => (await import('../commands/schedule.ts')).runSchedules,
    });
  });
}

/** Adds the verbs of backups. */
export function addBackupVerbs(program: Command, run: Run): void {
  program.commandsGroup('Backup:');
  for (const add of [addBackup, addSnapshots, addRestore, addDrill, addDestination, addRetention, addSchedule])
    add(program, run);
}
