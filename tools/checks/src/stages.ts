/** How many checks or tests passed, failed, and were skipped with a printed reason. */
export interface Tally {
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
}

/** A part of `npm test` that prints what it finds and counts it; one that throws counts as one failure. */
export interface Stage {
  readonly name: string;
  readonly run: () => Promise<Tally>;
}

/** What a run of stages needs from outside; `now` in milliseconds. */
export interface Surroundings {
  readonly log: (line: string) => void;
  readonly now: () => number;
}

/** The tally of something that either holds or does not. */
export function tallyOf(ok: boolean): Tally {
  return { passed: ok ? 1 : 0, failed: ok ? 0 : 1, skipped: 0 };
}

export function add(a: Tally, b: Tally): Tally {
  return { passed: a.passed + b.passed, failed: a.failed + b.failed, skipped: a.skipped + b.skipped };
}

/** Runs all stages in turn, also after one that failed: a run reports everything that it can find. */
export async function runStages(stages: readonly Stage[], { log, now }: Surroundings): Promise<Tally> {
  const failed: string[] = [];
  let total: Tally = { passed: 0, failed: 0, skipped: 0 };
  for (const { name, run } of stages) {
    log(`\n── ${name}`);
    const begun = now();
    const tally = await run().catch((error: unknown) => {
      log(error instanceof Error ? (error.stack ?? error.message) : String(error));
      return tallyOf(false);
    });
    log(`── ${name}: ${tally.failed === 0 ? 'ok' : 'FAILED'} (${((now() - begun) / 1000).toFixed(1)} s)`);
    if (tally.failed > 0) failed.push(name);
    total = add(total, tally);
  }
  log(failed.length === 0 ? '\nEverything holds.\n' : `\nFailed: ${failed.join(', ')}.\n`);
  return total;
}

/** The line that continuous integration reads, alone on its line and last. */
export function closingLine({ passed, failed, skipped }: Tally): string {
  return `${passed} passed, ${failed} failed, ${skipped} skipped`;
}
