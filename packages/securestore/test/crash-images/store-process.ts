// Recorded: makes a store in a folder and does all steps. After each it says what the anchor remembers, which is a generation.
import { writeSync } from 'node:fs';
import { generationOf, make, placeIn, type Scheme, STEPS } from './store-steps.ts';

const [root = '', scheme] = process.argv.slice(2);
// The test passes one of them.
const place = placeIn(root, scheme as Scheme);
const say = async (): Promise<number> => writeSync(1, `${await generationOf(place)}\n`);

const store = await make(place);
await say();
for (const { run } of STEPS) {
  await run(store);
  await say();
}
await store.close();
