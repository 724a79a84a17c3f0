import { work } from '../../../objects/test/simulation/work.ts';
import { planOf } from './plan.ts';
import { PLANTED_BUGS } from './planted-bugs.ts';

await work({
  bugs: PLANTED_BUGS,
  async load() {
    const { makeMigrationImage } = await import('./image.ts');
    const { simulate } = await import('./simulate.ts');
    const image = await makeMigrationImage();
    return (seed) => simulate(seed, image);
  },
  canShow({ plan, scenario }, seed) {
    const drawn = planOf(seed);
    return drawn.played === scenario && plan?.(drawn) !== false;
  },
});
