import { TORTURE } from '../support/places.ts';
import { makeImage } from './image.ts';
import { PLANTED_BUGS } from './planted-bugs.ts';
import { simulate } from './simulate.ts';
import { testSimulation } from './suite.ts';

testSimulation({
  worker: new URL('worker.ts', import.meta.url),
  schedules: TORTURE ? 100_000 : 200,
  bugs: PLANTED_BUGS,
  async prepare() {
    const image = await makeImage();
    return (seed) => simulate(seed, image);
  },
});
