import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { mistakesIn } from '../src/compile/tsdoc-examples.ts';

const root: string = fileURLToPath(new URL('../../..', import.meta.url));

it('examples in comments that do not compile are told by their file and line', async () => {
  const wrong = { file: 'a.ts', line: 6, code: "const n: number = (await store.retrieve('a')).text();" };
  expect(await mistakesIn(root, [wrong])).toEqual([expect.stringMatching(/^a\.ts:6: error TS2322/)]);
});
