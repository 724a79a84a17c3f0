import type { MeasuredArea, MeasuredRow } from './measure/model.ts';
import { bestOf, judge, lessIsBetter } from './measure/verdict.ts';
import { cellsOf, format, nameOf, renderTable } from './table.ts';

const HEADINGS: readonly string[] = ['area', 'work', 'ours', 'rival', 'raw limit', 'target', 'reached'];
const TITLE = '## Summary';
const LEGEND = `The columns _rival_ and _raw limit_ have how many times as fast ours is, or how many times as small.`;

type Cells = readonly string[];

/** A line for each row: ours, as a multiple of the best rival and of the raw limit, and whether the targets are reached. */
export function summaryOf(areas: readonly MeasuredArea[]): Cells[] {
  return areas.flatMap(({ title, rows }) => rows.map((row) => [title, ...cellsOfRow(row)]));
}

function cellsOfRow(row: MeasuredRow): string[] {
  const ours = bestOf(row, 'ours');
  const times = (other: number | undefined): string => {
    if (ours === undefined || other === undefined) return '';
    return `${(lessIsBetter(row.unit) ? other / ours : ours / other).toPrecision(3)} ×`;
  };
  const verdicts = row.targets.map((target) => judge(row, target));
  const outcomes = verdicts.map(({ outcome }) =>
    outcome === undefined ? 'not measured' : outcome.reached ? 'yes' : 'no',
  );
  return [
    nameOf(row),
    ours === undefined ? 'not measured' : `${format(ours)} ${row.unit}`,
    times(bestOf(row, 'rival')),
    times(bestOf(row, 'raw')),
    verdicts.map(({ target }) => target).join('; '),
    outcomes.join('; '),
  ];
}

export function renderSummary(lines: readonly Cells[]): string {
  return [TITLE, '', LEGEND, '', renderTable(HEADINGS, lines), ''].join('\n');
}

/**
 * The summary of a report, with the lines of the areas that were measured now in the place of their former ones.
 *
 * @param titles of all areas, in their order
 */
export function withSummary(report: string, areas: readonly MeasuredArea[], titles: readonly string[]): string {
  const [, table = ''] = report.split(`${TITLE}\n`);
  const lines = table.split(/^## /mu, 1).flatMap((text) => text.split('\n'));
  const former = lines.map(cellsOf).filter((cells) => cells !== undefined);
  const isMeasured = new Set(areas.map(({ title }) => title));
  const all = [...former.filter(([title = '']) => !isMeasured.has(title)), ...summaryOf(areas)];
  return renderSummary(titles.flatMap((title) => all.filter(([of]) => of === title)));
}
