import { withSummary } from './summary.ts';
import { renderArea } from './table.ts';
import type { MeasuredArea } from './measure/model.ts';

/** What `docs/benchmarks.md` begins with. */
const HEADING = `# Benchmarks

Written by \`npm run bench -- --write\`, medians of 5 runs at least, after one that warms up. Each table says on what it was measured, and when; \`npm run bench -- --write NAME…\` measures only some of them again.
`;

/** The tables of a report by their titles. */
function tablesOf(report: string): Map<string, string> {
  const [, ...tables] = report.split(/^## /mu);
  return new Map(tables.map((table) => [table.split('\n', 1)[0] ?? '', `## ${table.trimEnd()}\n`]));
}

/**
 * A report in which the tables of some areas are new, and all others stay as they were.
 *
 * @param report as it was
 * @param measuredOn on what, and when
 * @param titles of all areas, in their order; what has none of them is left out
 */
export function withTables(
  report: string,
  areas: readonly MeasuredArea[],
  measuredOn: string,
  titles: readonly string[],
): string {
  const tables = tablesOf(report);
  for (const area of areas) {
    const [title = '', ...rest] = renderArea(area).trimEnd().split('\n');
    tables.set(area.title, [title, '', `Measured on ${measuredOn}.`, ...rest, ''].join('\n'));
  }
  const ordered = titles.flatMap((title) => tables.get(title) ?? []);
  return [HEADING, withSummary(report, areas, titles), ...ordered].join('\n');
}
