import { type Command, Option } from 'commander';
import { addNoun, addVerb, type Run } from '../call.ts';
import type { HealthOptions } from '../commands/health.ts';
import { renamed } from '../old-spelling.ts';
import type { ScrubOptions } from '../commands/scrub.ts';
import type { VerifyOptions } from '../commands/verify-backup.ts';

function addVerify(program: Command, run: Run): void {
  addVerb<VerifyOptions, [string | undefined]>(program, run, {
    usage: 'verify [location]',
    summary: 'check that the store (default: --store), or a backup, holds what was stored',
    options: [
      new Option('--payloads', 'read large objects too, not only whether all their parts are there'),
      new Option('--unchanged', 'of a backup: whether every file is as it was written, without a secret').conflicts([
        'payloads',
        'checkpoint',
      ]),
      ...renamed(
        new Option(
          '--rolling <time>',
          'of a backup: read what is due, so that with regular runs everything is read within this time, such as 30d',
        ).conflicts(['payloads', 'checkpoint', 'unchanged']),
        '--within <time>',
      ),
      new Option('--checkpoint', 'where nothing is wrong, remember what the store holds for the next verify'),
    ],
    notes: `Every record is read, as get does. What was put back, hidden or brought back to life shows against the last
checkpoint, which is kept in the store, signed and sealed; what was stored since then is not covered. Of older copies
of the whole store, one from before a change of keys or settings, or before the last checkpoint, shows against the anchor.

Of a backup every file is read, and with --payloads everything in the newest snapshot is opened, as restoring it would.
With --rolling what was not read for the longest time is, as much as is due since the last run; what was read when is kept
in the store (--store), so that interrupted runs are gone on with. What was wrong, or is missing, shows in every run.
With --unchanged whoever hosts the files can look, by checksums: they show what became of files by accident.

Each finding is one line. Exit code 5 where anything was found. Without --checkpoint and --rolling nothing is written.`,
    load: async () => (await import('../commands/verify.ts')).verify,
  });
}

function addGc(program: Command, run: Run): void {
  addVerb<object, []>(program, run, {
    usage: 'gc',
    aliases: ['collect'],
    summary: 'garbage collection: remove old versions, expired objects and leftovers',
    notes: `Removes versions and deletions that the history settings no longer keep, expired objects, and what interrupted writes
have left. Nothing younger than a day is removed. Programs that keep a store open do this once a day by themselves.

Exit code 8 if something could not be checked; each failure is one line.`,
    examples: ['securestore gc'],
    resume: () => [{ text: 'to resume it', again: true }],
    load: async () => (await import('../commands/collect.ts')).gc,
  });
}

function addHealth(program: Command, run: Run): void {
  addVerb<HealthOptions, []>(program, run, {
    usage: 'health',
    summary: 'tell how the store is, and what to do if it is not well',
    options: renamed(
      new Option('--timeout <time>', 'how long the checks may take, such as 30s (default: 10s)'),
      '--within <time>',
    ),
    notes: `Writes, reads and removes a small object, and looks at the head, the clocks, the keys, the last scrub, the backups and their
schedules, and the audit log. Each is one line, the worst first: failing, degraded (it works, and the owner should look), ok, or
not set up (a backup, a scrub or an audit log that was never begun, which makes no store degraded). What does not answer in time
is failing. From when on something is a finding is set by "health" in securestore.config.json.

Exit code 0 where the store is ok or degraded, 7 where it is failing.`,
    load: async () => (await import('../commands/health.ts')).health,
  });
}

function addClock(program: Command, run: Run): void {
  const noun = {
    name: 'clock',
    summary: "compare the clock of a file: or sqlite: store with this machine's, or set it back",
    notes: `A store at file: or sqlite: has a clock of its own: the latest time of which anything was written to it. If a clock was
ahead, the store's stays ahead, and from ten minutes on other programs are refused to write. No secret is needed.`,
  };
  addNoun(program, run, noun, (clock) => {
    addVerb(clock, run, {
      usage: 'show',
      isDefault: true,
      summary: 'say how far the clocks are apart',
      notes: `Examples:
  securestore clock --store sqlite:./vault.db`,
      load: async () => (await import('../commands/clock.ts')).showClock,
    });
    addVerb(clock, run, {
      usage: 'reset',
      summary: "set the store's clock back to this machine's; asks, or needs --yes",
      notes: `The clock of this machine must be right: whatever is marked later is marked as written now. Writing waits meanwhile.
Versions stay as they are, and other programs may have the store open. Snapshots that were made meanwhile keep their times.

Examples:
  securestore clock reset --store sqlite:./vault.db`,
      load: async () => (await import('../commands/clock.ts')).resetStoreClock,
    });
  });
}

function addScrub(program: Command, run: Run): void {
  addVerb<ScrubOptions, []>(program, run, {
    usage: 'scrub',
    summary: 'read all that the store holds, at a pace, and repair it from a backup',
    options: [
      new Option('--rate <rate>', 'how much is read a second at most, such as 10MB/s (default: as much as there is)'),
      ...renamed(
        new Option('--over <time>', 'spread it over this long, such as 30d; health then expects a scrub as often'),
        '--within <time>',
      ),
      new Option('--repair <backup>', 'put what is wrong back from this backup, byte for byte'),
      new Option('--no-payloads', 'do not read large objects, only see whether all their parts are there').default(
        undefined,
      ),
    ],
    notes: `Every record and every payload is read and opened, in the order in which they lie there. A scrub that was interrupted goes on
where it was; so what was not read for the longest time is read first. What was put back, hidden or brought back to life
shows against the last checkpoint. What is wrong is remembered, and health tells of it until a later scrub finds it right.

Each finding is one line. Exit code 5 where anything is wrong that was not repaired.`,
    resume: () => [{ text: 'to go on', again: true }],
    load: async () => (await import('../commands/scrub.ts')).scrub,
  });
}

function addJob(program: Command, run: Run): void {
  const noun = {
    name: 'job',
    aliases: ['jobs'],
    summary: 'list long work that is not finished; resume it, stop it or give it up',
    notes: `Rotations, backups, scrubs, migrations and other long work are jobs. A job whose process has died is interrupted: that shows
15 s later. The command that began it goes on with it, and job resume does for most kinds.`,
  };
  addNoun(program, run, noun, (job) => {
    addVerb<object, []>(job, run, {
      usage: 'list',
      isDefault: true,
      summary: 'list the unfinished jobs, and how far each is',
      load: async () => (await import('../commands/job.ts')).listJobs,
    });
    addVerb<object, [string]>(job, run, {
      usage: 'resume <id>',
      summary: 'go on with a job that was interrupted',
      notes: 'Exit code 8 if the job is done and some of its items failed.',
      resume: () => [{ text: 'to go on', again: true }],
      load: async () => (await import('../commands/job.ts')).resumeJob,
    });
    addVerb<object, [string]>(job, run, {
      usage: 'cancel <id>',
      summary: 'ask the process that runs a job to stop; the job can be resumed',
      load: async () => (await import('../commands/job.ts')).cancelJob,
    });
    addVerb<object, [string]>(job, run, {
      usage: 'forget <id>',
      summary: 'give up a job that no process runs',
      notes: 'Of a rotation, what has not been brought under the new keys stays under the old ones.',
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
