import { planOf } from './plan.ts';
import { PLANTED_BUGS } from './planted-bugs.ts';
import { work } from './work.ts';

await work({
  bugs: PLANTED_BUGS,
  async load() {
    const { makeImage } = await import('./image.ts');
    const { simulate } = await import('./simulate.ts');
    const image = await makeImage();
    return (seed) => simulate(seed, image);
  },
  canShow({ part, plan, scenario }, seed) {
    const drawn = planOf(seed);
    if (scenario !== undefined) return drawn.scenario === scenario;
    return (part === undefined || drawn.parts.has(part)) && plan?.(drawn) !== false;
  },
});
