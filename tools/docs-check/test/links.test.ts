import { existsSync, globSync, readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { anchorsOf, findLinks } from '../src/pages/links.ts';

const root: string = fileURLToPath(new URL('../../..', import.meta.url));
const documents = globSync(['*.md', 'docs/**/*.md', 'packages/*/README.md', 'examples/*/README.md'], { cwd: root });

describe('findLinks', () => {
  it('takes links to files and headings, and neither addresses nor code', () => {
    const text = '[a](a.md#one) [b](https://example.org/b) [c](#here) [d](../d) `[x](x.md)`\n```md\n[e](e.md)\n```\n';
    expect(findLinks(text)).toEqual(['a.md#one', '#here', '../d']);
  });
});

describe('anchorsOf', () => {
  it('makes those of GitHub', () => {
    const text = '# One, two: `THREE_four`\n## A [link](x.md)?\n## A link\n```sh\n# code\n```\n';
    expect([...anchorsOf(text)]).toEqual(['one-two-three_four', 'a-link', 'a-link-1']);
  });

  it('takes those that a page sets itself', () => {
    expect(anchorsOf('- <a id="t-a-01"></a>**T-A-01** One.\n```md\n<a id="t-a-02"></a>\n```\n')).toEqual(
      new Set(['t-a-01']),
    );
  });
});

/** Why a link of a document leads nowhere; `undefined` if it does not. */
function problemOf(document: string, link: string): string | undefined {
  const [target = '', anchor] = link.split('#');
  const file = target === '' ? document : relative(root, join(root, dirname(document), target));
  if (!existsSync(join(root, file))) return `${link}: there is no ${file}`;
  if (anchor === undefined || !file.endsWith('.md')) return undefined;
  return anchorsOf(readFileSync(join(root, file), 'utf8')).has(anchor) ? undefined : `${link}: no such heading`;
}

describe('the links in the documentation', () => {
  it.each(documents)('of %s lead somewhere', (document) => {
    const links = findLinks(readFileSync(join(root, document), 'utf8'));
    expect(links.map((link) => problemOf(document, link)).filter((problem) => problem !== undefined)).toEqual([]);
  });
});
