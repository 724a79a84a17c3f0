import { globSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';

const root: string = fileURLToPath(new URL('../../..', import.meta.url));
const files = globSync('{,tools/*/*/}package-lock.json', { cwd: root, exclude: ['**/node_modules/**'] });

describe('lock files', () => {
  it('are found', () => {
    expect(files).toContain('package-lock.json');
  });

  it.each(files)('%s names no registry, so that every user installs from their own', (file) => {
    const { packages } = JSON.parse(readFileSync(new URL(file, `file://${root}`), 'utf8')) as {
      packages: Record<string, { resolved?: string }>;
    };
    const urls = Object.values(packages).flatMap(({ resolved }) => (resolved?.includes('://') ? [resolved] : []));
    expect(urls).toEqual([]);
  });
});
