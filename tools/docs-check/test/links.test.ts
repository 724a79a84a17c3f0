import { existsSync, globSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { findFileLinks } from '../src/links.ts';

const root: string = fileURLToPath(new URL('../../..', import.meta.url));
const documents = globSync(['*.md', 'docs/**/*.md', 'packages/*/README.md'], { cwd: root });

describe('findFileLinks', () => {
  it('takes links to files, without their anchors, and neither addresses nor code', () => {
    const text = '[a](a.md#one) [b](https://example.org/b) [c](#here) [d](../d)\n```md\n[e](e.md)\n```\n';
    expect(findFileLinks(text)).toEqual(['a.md', '../d']);
  });
});

describe('the links in the documentation', () => {
  it.each(documents)('of %s lead somewhere', (document) => {
    const targets = findFileLinks(readFileSync(join(root, document), 'utf8'));
    expect(targets.filter((target) => !existsSync(join(root, dirname(document), target)))).toEqual([]);
  });
});
