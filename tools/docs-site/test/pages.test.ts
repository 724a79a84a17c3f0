import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { outlineOf } from '../src/outline.ts';
import { pageForSite } from '../src/page.ts';

const DOCS: string = fileURLToPath(new URL('../../../docs', import.meta.url));

describe('the outline', () => {
  it('has the sections and pages of the index', () => {
    const index =
      '# All\n\n- [no](no.md)\n\n## Start\n\n- [One](start/one.md): first\n- [Out](../x.md)\n\n## Run\n\n- [Two](run/README.md)\n';
    expect(outlineOf(index)).toEqual([
      { text: 'Start', items: [{ text: 'One', link: '/start/one' }] },
      { text: 'Run', items: [{ text: 'Two', link: '/run/' }] },
    ]);
  });

  it('has every page of docs but those of decisions, which have an index of their own, each once', () => {
    const pages = globSync('**/*.md', { cwd: DOCS }).filter(
      (page) => !page.startsWith('decisions/') && page !== 'README.md',
    );
    const links = outlineOf(readFileSync(join(DOCS, 'README.md'), 'utf8')).flatMap(({ items }) => items);
    const known = links.map(({ link }) => `${link.slice(1)}${link.endsWith('/') ? 'README' : ''}.md`);
    expect(known.filter((page) => !page.startsWith('decisions/')).toSorted()).toEqual(pages.toSorted());
  });
});

const block = (way: string, language: string): string => `**${way}**\n\n\`\`\`${language}\nx\n\`\`\`\n\n`;

describe('a page on the site', () => {
  it('leads to the repository for what is not on the site, except in code', () => {
    const text =
      '[a](../errors.md#x) [r](backup/README.md) [b](../../packages/cli/README.md#y) [c](../../packages) ![d](../console/d.png) `[e](../../e.ts)`';
    expect(pageForSite(text, 'run/page.md')).toBe(
      [
        '[a](../errors.md#x)',
        '[r](backup/index.md)',
        '[b](https://github.com/securestore/securestore/blob/main/packages/cli/README.md#y)',
        '[c](https://github.com/securestore/securestore/tree/main/packages)',
        '![d](../console/d.png)',
        '`[e](../../e.ts)`',
      ].join(' '),
    );
  });

  it('has tabs for ways of doing one thing, if there are at least two', () => {
    const text = `${block('Library', 'ts run')}${block('Command line', 'sh')}Then:\n\n${block('HTTP', 'http')}`;
    expect(pageForSite(text, 'a.md')).toBe(
      `::: code-group\n\n\`\`\`ts [Library]\nx\n\`\`\`\n\n\`\`\`sh [Command line]\nx\n\`\`\`\n\n:::\n\nThen:\n\n${block('HTTP', 'http')}`,
    );
  });
});
