import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { mistakesIn, tsdocExamples, tsdocExamplesOf } from '../src/tsdoc-examples.ts';

const root: string = fileURLToPath(new URL('../../..', import.meta.url));

describe('the examples in comments', () => {
  it('are found with their lines', () => {
    const text = ['/**', ' * Does it.', ' *', ' * @example', ' * ```ts', ' * await it();', ' * ```', ' */'].join('\n');
    expect(tsdocExamplesOf('a.ts', text)).toEqual([{ file: 'a.ts', line: 6, code: 'await it();' }]);
    expect(() => tsdocExamplesOf('a.ts', ' * ```ts\n * it();')).toThrow("line 1 of a.ts isn't closed");
  });

  it('compile as they stand', async () => {
    const examples = tsdocExamples(root);
    expect(examples.length).toBeGreaterThan(15);
    expect(await mistakesIn(root, examples)).toEqual([]);
  });

  it('that do not compile are told by their file and line', async () => {
    const wrong = { file: 'a.ts', line: 6, code: "const n: number = (await store.retrieve('a')).text();" };
    expect(await mistakesIn(root, [wrong])).toEqual([expect.stringMatching(/^a\.ts:6: error TS2322/)]);
  });
});
