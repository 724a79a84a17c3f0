// Part of a campaign, in a process of its own: `worker.ts <first seed> <last seed> <step> [planted bug]`. It prints a
// line of JSON for each schedule that breaks a promise; with a planted bug it stops at the first.
import type { PlantedBug } from './planted-bugs.ts';
import { PLANTED_BUGS, plant } from './planted-bugs.ts';

const [first = '1', last = first, step = '1', name] = process.argv.slice(2);
const bug = PLANTED_BUGS.find((candidate) => candidate.name === name);
if (bug !== undefined) plant(bug);

// Only now, since the bug is planted while they are loaded.
const { makeImage } = await import('./image.ts');
const { simulate } = await import('./simulate.ts');
const { planOf } = await import('./plan.ts');

function canShow({ part, plan, scenario }: PlantedBug, seed: number): boolean {
  const drawn = planOf(seed);
  if (scenario !== undefined) return drawn.scenario === scenario;
  return (part === undefined || drawn.parts.has(part)) && plan?.(drawn) !== false;
}

/** The schedules to run. A planted bug is looked for in as many that can show it. */
function* seeds(): Generator<number> {
  const [from, to, by] = [first, last, step].map(Number) as [number, number, number];
  for (let seed = from, left = to - from; left >= 0; seed += by) {
    if (bug !== undefined && !canShow(bug, seed)) continue;
    left -= by;
    yield seed;
  }
}

const image = await makeImage();
for (const seed of seeds()) {
  const { violations } = await simulate(seed, image);
  if (violations.length === 0) continue;
  process.stdout.write(`${JSON.stringify({ seed, violations })}\n`);
  if (bug !== undefined) break;
}
