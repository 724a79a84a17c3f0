import { testSimulation } from '../../../objects/test/simulation/suite.ts';
import { TORTURE } from '../../../objects/test/support/places.ts';
import { makeMigrationImage } from './image.ts';
import { PLANTED_BUGS } from './planted-bugs.ts';
import { simulate } from './simulate.ts';

testSimulation({
  worker: new URL('worker.ts', import.meta.url),
  schedules: TORTURE ? 20_000 : 40,
  bugs: PLANTED_BUGS,
  async prepare() {
    const image = await makeMigrationImage();
    return (seed) => simulate(seed, image);
  },
});
