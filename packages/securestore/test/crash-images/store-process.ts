// Recorded: makes a store in a folder and does all steps, or goes on with it if others have said something before they were killed. After
// each step it says what the anchor remembers, which is a generation.
import { writeSync } from 'node:fs';
import { generationOf, openWhatIsLeft, placeIn, type Scheme, STEPS } from './store-steps.ts';

const [root = '', scheme, said = '0'] = process.argv.slice(2);
// The test passes one of them.
const place = placeIn(root, scheme as Scheme);
const say = async (): Promise<number> => writeSync(1, `${await generationOf(place)}\n`);

const count = Number(said);
const store = await openWhatIsLeft(place, count > 0);
if (count === 0) await say();
for (const { run } of STEPS.slice(Math.max(count - 1, 0))) {
  await run(store);
  await say();
}
await store.close();
