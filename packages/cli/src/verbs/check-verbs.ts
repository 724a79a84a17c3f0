import { type Command, Option } from 'commander';
import { addNoun, addVerb, type Noun, type Run } from '../call/call.ts';
import type { GcOptions } from '../commands/gc.ts';
import type { HealthOptions } from '../commands/health.ts';
import type { OwnHint } from '../errors/hints.ts';
import { renamed } from '../options/old-spelling.ts';
import type { ScrubOptions } from '../commands/scrub.ts';
import type { VerifyOptions } from '../commands/verify-backup.ts';

const resume = (): OwnHint[] => [{ text: 'to resume it', again: true }];

function addVerify(program: Command, run: Run): void {
  addVerb<VerifyOptions, [string | undefined]>(program, run, {
    usage: 'verify [url]',
    summary: 'verify that the store (default: --store), or a backup, holds what was stored',
    options: [
      new Option('--payloads', 'read large objects too; otherwise only check that all their parts exist'),
      new Option(
        '--unchanged',
        'of a backup: check that every file is as it was written, without an unlock secret',
      ).conflicts(['payloads', 'checkpoint']),
      ...renamed(
        new Option(
          '--rolling <time>',
          'of a backup: read what is due, so that with regular runs everything is read within this time, such as 30d',
        ).conflicts(['payloads', 'checkpoint', 'unchanged']),
        '--within <time>',
      ),
      new Option('--checkpoint', 'if there is no finding, remember the state of the store for the next verify'),
    ],
    notes: `Every record is read, as by get. A record that was replaced by an older one, hidden or restored after its deletion is
detected against the last checkpoint, which is kept in the store, signed and encrypted. Later changes are not covered. Of
older copies of the whole store, one from before a change of encryption keys or settings, or before the last checkpoint, is
detected against the anchor.

Of a backup every file is read, and with --payloads everything in the newest snapshot is decrypted, as by a restore. With
--rolling, the files that were not read for the longest time are read, as many as are due since the last run. Their times
are kept in the store (--store), so that interrupted runs are resumed; findings and missing files are reported by every
run. With --unchanged the host of the files can check them by checksums, which detect accidental damage only.

Nothing is repaired. Three things are written, all to the store: the checkpoint, the times of --rolling, and whether a
backup of the store itself is damaged, which its health and its next backup take into account.

Each finding is one line. Exit code 5 if there is any.`,
    examples: ['securestore verify --checkpoint', 'securestore verify file:./backup --rolling 30d'],
    load: async () => (await import('../commands/verify.ts')).verify,
  });
}

function addGc(program: Command, run: Run): void {
  addVerb<GcOptions, []>(program, run, {
    usage: 'gc',
    aliases: ['collect'],
    summary: 'garbage collection: remove old versions, expired objects and leftovers',
    notes: `Removes versions and deletions that the history settings no longer keep, expired objects, and what interrupted writes
have left. Nothing younger than a day is removed. Programs that keep a store open do this once a day by themselves.

With --dry-run nothing is changed: what would be removed is counted, without the journal, and why older versions stay. To
see what a shorter history would remove before settings change makes it so, add --history-versions or --history-days.

Exit code 8 if something could not be checked; each failure is one line.`,
    options: [
      new Option('--dry-run', 'count what would be removed, and change nothing'),
      new Option('--history-versions <n>', 'with --dry-run: as if the history kept so many older versions'),
      new Option('--history-days <n>', 'with --dry-run: as if the history kept older versions for so many days'),
    ],
    examples: ['securestore gc', 'securestore gc --dry-run --history-versions 3 --history-days 7'],
    resume,
    load: async () => (await import('../commands/gc.ts')).gc,
  });
}

function addHealth(program: Command, run: Run): void {
  addVerb<HealthOptions, []>(program, run, {
    usage: 'health',
    summary: 'check whether the store works, and show what to do if it does not',
    options: renamed(
      new Option('--timeout <time>', 'how long the checks may take, such as 30s (default: 10s)'),
      '--within <time>',
    ),
    notes: `Writes, reads and removes a small object, and checks the manifest, the clocks, the encryption keys, the last scrub, the
backups and their schedules, and the audit log. Each check is one line, the worst first: failing, degraded (the store
works, and the owner should act), ok, or not set up. A backup, a scrub or an audit log that is not set up does not make the
store degraded. A check that does not answer in time is failing. The limits are set by "health" in securestore.config.json.

Exit code 0 if the store is ok or degraded, 7 if it is failing.`,
    examples: ['securestore health', 'securestore health --timeout 30s --json'],
    load: async () => (await import('../commands/health.ts')).health,
  });
}

function addClock(program: Command, run: Run): void {
  const noun: Noun = {
    name: 'clock',
    summary: "compare the clock of a file: or sqlite: store with this machine's, or set it back",
    notes: `A store at file: or sqlite: has a clock of its own: the latest time at which anything was written to it. If the clock of a
machine was ahead, the clock of the store stays ahead, and from ten minutes on other programs are refused to write. No
unlock secret is needed.`,
    examples: ['securestore clock show --store sqlite:./vault.db'],
  };
  addNoun(program, run, noun, (clock) => {
    addVerb(clock, run, {
      usage: 'show',
      isDefault: true,
      summary: 'show how far the clocks are apart',
      examples: ['securestore clock show --store sqlite:./vault.db'],
      load: async () => (await import('../commands/clock.ts')).showClock,
    });
    addVerb(clock, run, {
      usage: 'reset',
      summary: "set the store's clock back to this machine's; asks, or needs --yes",
      notes: `The clock of this machine must be right: later times in the store are replaced by the present one. Writing waits
meanwhile. Versions stay as they are, and other programs may have the store open. Snapshots that were made meanwhile keep
their times.`,
      examples: ['securestore clock reset --store sqlite:./vault.db'],
      load: async () => (await import('../commands/clock.ts')).resetStoreClock,
    });
  });
}

function addScrub(program: Command, run: Run): void {
  addVerb<ScrubOptions, []>(program, run, {
    usage: 'scrub',
    summary: 'read everything in the store at a limited rate, and repair it from a backup',
    options: [
      new Option('--rate <rate>', 'how much to read a second at most, such as 10MB/s (default: no limit)'),
      ...renamed(
        new Option('--over <time>', 'spread it over this long, such as 30d; health then expects a scrub as often'),
        '--within <time>',
      ),
      new Option('--repair <backup>', 'repair findings from this backup, and restore lost objects, byte for byte'),
      new Option('--no-payloads', 'do not read large objects, only check that all their parts exist').default(
        undefined,
      ),
    ],
    notes: `Every record and every payload is read and decrypted, in the order in which the backend stores them. An interrupted scrub
is resumed, so what was not read for the longest time is read first. A record that was replaced by an older one, hidden or
restored after its deletion is detected against the last checkpoint. Findings are remembered, and health reports each
until a later scrub finds the record intact.

Each finding is one line. Exit code 5 if a finding was not repaired.`,
    examples: ['securestore scrub --rate 10MB/s', 'securestore scrub --repair file:./backup'],
    resume,
    load: async () => (await import('../commands/scrub.ts')).scrub,
  });
}

function addJob(program: Command, run: Run): void {
  const noun: Noun = {
    name: 'job',
    aliases: ['jobs'],
    summary: 'list unfinished jobs; resume, cancel or forget one',
    notes: `Rotations, backups, scrubs, migrations and other long work are jobs. A job whose process has died is shown as interrupted
after 15 s. The command that started it resumes it, and job resume does for most kinds.`,
    examples: ['securestore job list'],
  };
  const whenMissing = { text: 'to list the jobs', on: ['job', 'list'] };
  addNoun(program, run, noun, (job) => {
    addVerb<object, []>(job, run, {
      usage: 'list',
      isDefault: true,
      summary: 'list the unfinished jobs, and the progress of each',
      examples: ['securestore job list'],
      load: async () => (await import('../commands/job.ts')).listJobs,
    });
    addVerb<object, [string]>(job, run, {
      usage: 'resume <id>',
      summary: 'resume an interrupted job',
      notes: 'Exit code 8 if the job is done and some of its items failed.',
      examples: ['securestore job resume ID'],
      whenMissing,
      resume,
      load: async () => (await import('../commands/job.ts')).resumeJob,
    });
    addVerb<object, [string]>(job, run, {
      usage: 'cancel <id>',
      summary: 'ask the process that runs a job to stop; the job can be resumed',
      examples: ['securestore job cancel ID'],
      whenMissing,
      load: async () => (await import('../commands/job.ts')).cancelJob,
    });
    addVerb<object, [string]>(job, run, {
      usage: 'forget <id>',
      summary: 'give up a job that no process runs',
      notes: 'Objects that a rotation has not rewrapped yet stay under the old encryption keys.',
      examples: ['securestore job forget ID'],
      whenMissing,
      load: async () => (await import('../commands/job.ts')).forgetJob,
    });
  });
}

/** Adds the verbs that check a store and clean it up. */
export function addCheckVerbs(program: Command, run: Run): void {
  program.commandsGroup('Maintenance:');
  addHealth(program, run);
  addClock(program, run);
  addVerify(program, run);
  addScrub(program, run);
  addGc(program, run);
  addJob(program, run);
}
