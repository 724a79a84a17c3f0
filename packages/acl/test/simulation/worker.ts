import { work } from '../../../objects/test/simulation/work.ts';
import { PLANTED_BUGS } from './planted-bugs.ts';

await work({
  bugs: PLANTED_BUGS,
  async load() {
    const { makeAccessImage } = await import('./image.ts');
    const { simulate } = await import('./simulate.ts');
    const image = await makeAccessImage();
    return (seed) => simulate(seed, image);
  },
});
