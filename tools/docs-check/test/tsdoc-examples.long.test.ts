import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { membersWithoutExample, mistakesIn, tsdocExamples, tsdocExamplesOf } from '../src/compile/tsdoc-examples.ts';

const root: string = fileURLToPath(new URL('../../..', import.meta.url));

/** The one file of a pattern, and its text. */
function read(pattern: string): [string, string] {
  const [file = ''] = globSync(pattern, { cwd: root });
  return [file, readFileSync(join(root, file), 'utf8')];
}

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

  it('are there for every member of a store', () => {
    expect(membersWithoutExample(...read('packages/securestore/src/**/open.ts'), 'SecureStore')).toEqual([]);
    const interfaces = [
      { source: read('packages/objects/src/api/secure-storage.ts'), name: 'SecureStorage' },
      { source: read('packages/objects/src/store/store-members.ts'), name: 'StoreMembers' },
    ];
    for (const { source, name } of interfaces) expect(membersWithoutExample(...source, name)).toEqual([]);
    // The members of the class have their comments there.
    const about = new Set(
      interfaces.flatMap(({ source: [, text] }) =>
        [...text.matchAll(/^ {2}(?:readonly )?(\w+)[<(:]/gm)].map(([, name]) => name),
      ),
    );
    const lacking = membersWithoutExample(...read('packages/objects/src/store/object-store.ts'), 'ObjectStore');
    expect(lacking.filter((name) => !about.has(name))).toEqual([]);
  });

  it('without which a member is found', () => {
    const text =
      'export interface A {\n  /** One. */\n  one(): void;\n  /**\n   * @example\n   */\n  readonly two: 2;\n}\n';
    expect(membersWithoutExample('a.ts', text, 'A')).toEqual(['one']);
  });
});
