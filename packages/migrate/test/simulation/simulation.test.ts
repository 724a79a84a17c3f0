import { testSimulation } from '../../../objects/test/simulation/suite.ts';
import { makeMigrationImage } from './image.ts';
import { PLANTED_BUGS } from './planted-bugs.ts';
import { simulate } from './simulate.ts';
import { sized } from '../../../../tools/campaigns/src/size.ts';

testSimulation({
  worker: new URL('worker.ts', import.meta.url),
  schedules: sized({ short: 2, full: 4, torture: 20_000 }),
  bugs: PLANTED_BUGS,
  bugsInShortRun: 0,
  async prepare() {
    const image = await makeMigrationImage();
    return (seed) => simulate(seed, image);
  },
});
