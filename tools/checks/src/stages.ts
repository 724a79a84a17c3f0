/** How many checks or tests passed, failed, and were skipped with a printed reason. */
export interface Tally {
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
  /** What there is to say besides, in a few words. */
  readonly note?: string;
}

/** A part of a run that prints what fails and counts what it does; one that throws counts as one failure. */
export interface Stage {
  readonly name: string;
  readonly run: () => Promise<Tally>;
  /** The name of the stage with which it begins, to go on beside others until its turn comes. */
  readonly beginsWith?: string;
}

/** What a run of stages needs from outside; `now` in milliseconds. */
export interface Surroundings {
  readonly log: (line: string) => void;
  /** Shows on a terminal which stage is running. */
  readonly announce?: (name: string) => void;
  readonly now: () => number;
}

/** The tally of something that either holds or does not. */
export function tallyOf(ok: boolean): Tally {
  return { passed: ok ? 1 : 0, failed: ok ? 0 : 1, skipped: 0 };
}

export function add(a: Tally, b: Tally): Tally {
  return { passed: a.passed + b.passed, failed: a.failed + b.failed, skipped: a.skipped + b.skipped };
}

interface Ended {
  readonly tally: Tally;
  readonly seconds: string;
}

/** Runs all stages in turn, also after one that failed: a run reports everything that it can find. */
export async function runStages(stages: readonly Stage[], { log, announce, now }: Surroundings): Promise<Tally> {
  const begun = now();
  const secondsSince = (start: number): string => ((now() - start) / 1000).toFixed(1);
  const end = async ({ run }: Stage): Promise<Ended> => {
    const start = now();
    const tally = await run().catch((error: unknown) => {
      log(error instanceof Error ? (error.stack ?? error.message) : String(error));
      return tallyOf(false);
    });
    return { tally, seconds: secondsSince(start) };
  };
  const begunEarly = new Map<Stage, Promise<Ended>>();

  const width = Math.max(...stages.map(({ name }) => name.length));
  const failed: string[] = [];
  let total: Tally = { passed: 0, failed: 0, skipped: 0 };
  for (const stage of stages) {
    for (const other of stages) if (other.beginsWith === stage.name) begunEarly.set(other, end(other));
    announce?.(stage.name);
    const { tally, seconds } = await (begunEarly.get(stage) ?? end(stage));
    log(`${tally.failed === 0 ? '✓' : '✗'} ${stage.name.padEnd(width)} ${seconds.padStart(7)} s${details(tally)}`);
    if (tally.failed > 0) failed.push(stage.name);
    total = add(total, tally);
  }
  const outcome = failed.length === 0 ? 'All checks passed' : `Failed: ${failed.join(', ')}`;
  log(`\n${outcome}, in ${secondsSince(begun)} s.`);
  return total;
}

function details({ passed, failed, skipped, note }: Tally): string {
  if (passed + failed + skipped <= 1) return note === undefined ? '' : `   ${note}`;
  const parts = [`${passed} passed`, failed > 0 && `${failed} failed`, skipped > 0 && `${skipped} skipped`];
  return `   ${parts.filter(Boolean).join(', ')}`;
}

/** The line that continuous integration reads, alone on its line and last. */
export function closingLine({ passed, failed, skipped }: Tally): string {
  return `${passed} passed, ${failed} failed, ${skipped} skipped`;
}
