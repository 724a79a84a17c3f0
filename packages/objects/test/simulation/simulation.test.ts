import { makeImage } from './image.ts';
import { PLANTED_BUGS } from './planted-bugs.ts';
import { simulate } from './simulate.ts';
import { testSimulation } from './suite.ts';
import { sized } from '../../../../tools/campaigns/src/size.ts';

testSimulation({
  worker: new URL('worker.ts', import.meta.url),
  schedules: sized({ short: 6, full: 20, torture: 100_000 }),
  bugs: PLANTED_BUGS,
  bugsInShortRun: 1,
  async prepare() {
    const image = await makeImage();
    return (seed) => simulate(seed, image);
  },
});
