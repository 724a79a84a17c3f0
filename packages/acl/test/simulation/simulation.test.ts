import { testSimulation } from '../../../objects/test/simulation/suite.ts';
import { makeAccessImage } from './image.ts';
import { PLANTED_BUGS } from './planted-bugs.ts';
import { simulate } from './simulate.ts';
import { sized } from '../../../../tools/campaigns/src/size.ts';

testSimulation({
  worker: new URL('worker.ts', import.meta.url),
  schedules: sized({ short: 5, full: 40, torture: 10_000 }),
  bugs: PLANTED_BUGS,
  bugsInShortRun: 1,
  async prepare() {
    const image = await makeAccessImage();
    return (seed) => simulate(seed, image);
  },
});
