import { type Command, Option } from 'commander';
import { addVerb, type Run } from '../call/call.ts';
import { collect } from '../options/global-options.ts';
import type { BackupOptions } from '../commands/backup.ts';
import type { DrillOptions } from '../commands/drill.ts';
import type { SnapshotsOptions } from '../commands/snapshots.ts';
import { renamed } from '../options/old-spelling.ts';
import type { RestoreOptions } from '../backup/restore-way.ts';

/** The description of `--at` for a backup. */
export const AT: string =
  'the state at this time, up to the end of a second: ISO 8601, or how long ago, such as 24h; by default that of the newest snapshot';

function addBackup(program: Command, run: Run): void {
  addVerb<BackupOptions, [string]>(program, run, {
    usage: 'backup <destination>',
    summary: 'make a snapshot of the store at a destination',
    options: [
      new Option('--label <text>', 'a label for the snapshot'),
      ...renamed(
        new Option(
          '--continuous',
          'keep backing up what changes until interrupted, so that every second can be restored',
        ).conflicts(['label', 'takeOver']),
        '--follow',
      ),
      new Option(
        '--take-over',
        'in a restored store: take over the backups of the store it was restored from, which can then no longer use them',
      ),
    ],
    notes: `The destination is a store URL: of a folder, a database, a bucket. The first snapshot copies everything,
later ones only what has changed; each is complete by itself. Objects are copied as they are encrypted in the store, and
the unlock secrets of the store decrypt them: nothing else is needed to restore a backup, not even the store.

Exit code 8 if something was too damaged to be copied, or is missing from the store; each is one line.`,
    examples: ['securestore backup file:./backup', 'securestore backup file:./backup --continuous'],
    resume: () => [{ text: 'to resume it', again: true }],
    load: async () => (await import('../commands/backup.ts')).backup,
  });
}

function addSnapshots(program: Command, run: Run): void {
  addVerb<SnapshotsOptions, [string]>(program, run, {
    usage: 'snapshots <destination>',
    summary: 'list the snapshots at a destination, newest first',
    options: [
      new Option('--windows', 'list instead the windows in which every second can be restored, and the present lag'),
    ],
    notes: `Every time in a window can be given to restore --at. Continuous backup makes long windows; a snapshot by itself is a
single recovery point. For a time in a gap between two windows, a restore restores the state before the gap.

Numbers rise. One that is missing was removed by the retention, or belongs to a backup that did not end. If the newest
snapshots are lost at the destination, the next backup reports that, and uses their numbers again.`,
    examples: ['securestore snapshots file:./backup', 'securestore snapshots file:./backup --windows'],
    load: async () => (await import('../commands/snapshots.ts')).snapshots,
  });
}

function restoreOptions(): Option[] {
  return [
    new Option('--at <time>', AT),
    new Option('--snapshot <number>', 'this snapshot'),
    new Option('--prefix <prefix>', 'only objects whose keys begin with this; with --folder, a folder in the store'),
    new Option('--key <key>', 'only this object; may be repeated').argParser(collect),
    new Option(
      '--into <prefix>',
      'replace the prefix of each key by this, a folder/ by a folder/; with --key, a folder/ or the new key',
    ),
    new Option('--to <url>', 'create a new store at this URL, with the same unlock secrets'),
    new Option('--folder <dir>', 'write the objects as files below a folder'),
    new Option('--stdout', 'write the data of the one --key'),
    new Option('--version-id <version>', 'with --stdout: this version, from the history that the snapshot has'),
    new Option('--conflict <policy>', 'what to do if the store has another version').choices([
      'fail',
      'skip',
      'newer',
      'overwrite',
      'rename',
    ]),
    new Option('--delete-extra', 'delete objects that exist now and did not exist then'),
    new Option('--dry-run', 'show what would be done; with --json, for each object'),
    new Option(
      '--ask <reason>',
      'over a server: ask another principal to approve what this would do, and restore nothing yet',
    ),
    ...renamed(
      new Option('--check', 'read back what was restored into the store, and compare it with the backup'),
      '--verify',
    ),
    new Option('--receipt <file>', 'write a receipt, signed by the store, to a new file; --yes replaces one'),
    new Option('--partial', 'with --to: restore what is whole if the backup is damaged'),
    new Option('--give-up', 'allow other writers again after an interrupted restore of the whole store'),
  ];
}

function addRestore(program: Command, run: Run): void {
  addVerb<RestoreOptions, [string | undefined]>(program, run, {
    usage: 'restore [source]',
    summary: 'restore a snapshot: into the store, a new store, a folder, or one object to stdout',
    options: restoreOptions(),
    notes: `Without --to, --folder and --stdout, objects are restored into the store, each as a new version. The present versions
stay in the history. Restoring the whole store in place locks other writers out until it is done, makes a snapshot of the
present state first, and overwrites. Restoring some objects refuses to replace any of them unless --conflict allows it.

A snapshot has the history of each object, too. history KEY --backup lists the versions, and the snapshots that have them.`,
    examples: [
      'securestore restore file:./backup --prefix db/ --dry-run',
      'securestore restore file:./backup --to sqlite:./restored.db',
    ],
    resume: () => [{ text: 'to resume with the remaining objects', again: true }],
    load: async () => (await import('../commands/restore.ts')).restore,
  });
}

function addDrill(program: Command, run: Run): void {
  addVerb<DrillOptions, [string]>(program, run, {
    usage: 'drill <destination>',
    summary: 'prove that a backup can be restored: restore it to a scratch store, and compare it with the store',
    options: [
      new Option('--snapshot <number>', 'this snapshot; by default the newest'),
      new Option('--scratch <url>', 'the store URL to restore it to, such as file:/var/tmp/drill; by default memory'),
      new Option('--receipt <file>', 'write a receipt, signed by the store, to a new file; --yes replaces one'),
    ],
    notes: `Everything that is restored is decrypted, timed, and removed again. Exit code 5 if the backup is bad; each finding is one
line, and the last line says what to do. Exit code 8 if the backup is good, and has objects that the store has lost.`,
    examples: ['securestore drill file:./backup', 'securestore drill file:./backup --receipt ./drill.receipt'],
    load: async () => (await import('../commands/drill.ts')).drill,
  });
}

/** Adds the verbs of backups. */
export function addBackupVerbs(program: Command, run: Run): void {
  program.commandsGroup('Backup:');
  for (const add of [addBackup, addSnapshots, addRestore, addDrill]) add(program, run);
}
