import type { MeasuredArea, MeasuredRow, Sample } from './measure/model.ts';
import type { Outcome } from './measure/verdict.ts';
import { bestOf, growth, growthSteps, isExpected, judge, lessIsBetter, samplesOf } from './measure/verdict.ts';

const HEADINGS: readonly string[] = ['work', 'who', 'median', 'spread', 'ours against it'];

/** One area as Markdown, which reads as well on a terminal: a table, the targets, what grows how, who is absent. */
export function renderArea(area: MeasuredArea): string {
  const lines = area.rows.flatMap(tableLines);
  const notes = [...area.rows.flatMap(targetLines), ...growthLines(area.rows), ...absentLines(area)];
  return [`## ${area.title}`, '', renderTable(HEADINGS, lines), '', ...notes, ''].join('\n');
}

/** A table in Markdown whose columns are aligned. */
export function renderTable(headings: readonly string[], lines: readonly (readonly string[])[]): string {
  const widths = headings.map((heading, column) =>
    Math.max(heading.length, ...lines.map((cells) => cells[column]?.length ?? 0)),
  );
  const render = (cells: readonly string[]): string =>
    `| ${widths.map((width, column) => (cells[column] ?? '').padEnd(width)).join(' | ')} |`;
  const rule = `| ${widths.map((width) => '-'.repeat(width)).join(' | ')} |`;
  return [render(headings), rule, ...lines.map(render)].join('\n');
}

/** The cells of a line of such a table, unless it is none. */
export function cellsOf(line: string): string[] | undefined {
  return line.startsWith('| ')
    ? line
        .slice(2, -2)
        .split(' | ')
        .map((cell) => cell.trim())
    : undefined;
}

function tableLines(row: MeasuredRow): string[][] {
  const ours = bestOf(row, 'ours');
  const ordered = (['ours', 'rival', 'least', 'raw'] as const).flatMap((role) => samplesOf(row, role));
  return ordered.map((sample, index) => [
    index === 0 ? nameOf(row) : '',
    sample.role === 'raw' ? `${sample.name} (raw limit)` : sample.name,
    `${format(sample.median)} ${row.unit}`,
    `${format(sample.min)} to ${format(sample.max)}`,
    sample.role === 'ours' || ours === undefined ? '' : ratio(row, ours, sample),
  ]);
}

export function nameOf({ work, count }: MeasuredRow): string {
  return count === undefined ? work : `${work}, ${count.toLocaleString('en')} objects`;
}

function ratio(row: MeasuredRow, ours: number, { median }: Sample): string {
  const times = lessIsBetter(row.unit) ? median / ours : ours / median;
  return `${times.toPrecision(3)} × as ${row.unit === 'MB' ? 'small' : 'fast'}`;
}

function targetLines(row: MeasuredRow): string[] {
  return row.targets.map((target) => {
    const verdict = judge(row, target);
    return `- ${nameOf(row)}: target ${verdict.target}: ${outcomeText(row, verdict.outcome)}.`;
  });
}

function outcomeText({ unit }: MeasuredRow, outcome: Outcome | undefined): string {
  if (outcome === undefined) return 'not measured';
  const { reached, measured, isMultiple, share } = outcome;
  const number = `${format(measured)} ${isMultiple ? '×' : unit}`;
  return `${reached ? 'reached' : 'missed'}, ${number} (${(share * 100).toFixed(0)} % of the target)`;
}

function growthLines(rows: readonly MeasuredRow[]): string[] {
  return [...Map.groupBy(rows, ({ work }) => work)].flatMap(([work, group]) => {
    const exponent = growth(group);
    if (exponent === undefined) return [];
    const expected = group[0]?.exponent;
    const steps = expected === undefined ? '' : stepsText(group, exponent, expected);
    return [`- ${work}: its time grows with the objects to the power ${exponent.toFixed(2)}${steps}.`];
  });
}

function stepsText(group: readonly MeasuredRow[], exponent: number, expected: 0 | 1): string {
  const steps = growthSteps(group).map((step) => step.toFixed(2));
  const verdict = isExpected(exponent, expected) ? 'as expected' : 'MORE than expected';
  return `, from each size to the next ${steps.join(', ')}; about ${expected} ${verdict}`;
}

function absentLines({ absent }: MeasuredArea): string[] {
  return absent.map(({ name, reason }) => `- ${name}: absent (${reason}).`);
}

/** @param value what could not be measured is no number, or `null` where it came as JSON */
export function format(value: number | null): string {
  if (value === null || !Number.isFinite(value)) return '–';
  if (value >= 1000) return Math.round(value).toLocaleString('en');
  return value >= 100 ? value.toFixed(0) : value.toPrecision(3);
}
