import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { wrongDecisions } from '../src/pages/decisions.ts';

const folder: string = fileURLToPath(new URL('../../../docs/decisions', import.meta.url));
const read = (file: string): string => readFileSync(join(folder, file), 'utf8');

const row = (file: string, status: string, date: string): string =>
  `| [Name](${file}) | content | ${status} | ${date} |\n`;
const page = (status: string): string => `# Title\n\nStatus: ${status}, 2026-01-02\n\nText.\n`;

it('every decision is in the index once, with its status and date', () => {
  const files = globSync('*.md', { cwd: folder }).filter((file) => file !== 'README.md');
  expect(files.length).toBeGreaterThan(50);
  expect(wrongDecisions(read('README.md'), Object.fromEntries(files.map((file) => [file, read(file)])))).toEqual([]);
});

it('a decision that the index lacks, repeats or shows otherwise is found', () => {
  const index =
    row('right.md', 'accepted', '2026-01-02') +
    row('old.md', 'superseded by [Right](right.md)', '2026-01-02') +
    row('twice.md', 'accepted', '2026-01-02').repeat(2) +
    row('status.md', 'superseded by [Right](right.md)', '2026-01-02') +
    row('date.md', 'accepted', '2026-01-03') +
    row('gone.md', 'accepted', '2026-01-02');
  const pages = {
    'right.md': page('accepted'),
    'old.md': page('superseded by [Right](right.md)'),
    'twice.md': page('accepted'),
    'status.md': page('accepted'),
    'date.md': page('accepted'),
    'missing.md': page('accepted'),
    'bare.md': '# Title\n\nText.\n',
    'lost.md': page('superseded by [Nothing](nothing.md)'),
  };
  expect(wrongDecisions(index, pages)).toEqual([
    'gone.md: in the index, without a page',
    'twice.md: 2 times in the index',
    'status.md: another status or date in the index',
    'date.md: another status or date in the index',
    'missing.md: 0 times in the index',
    'bare.md: no status and date below the title',
    'lost.md: superseded by an unknown decision',
  ]);
});
