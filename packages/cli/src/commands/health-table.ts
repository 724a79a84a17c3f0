import { styleText } from 'node:util';
import type { CheckStatus, HealthCheck, HealthReport } from 'securestore';
import type { OutputStream } from '../terminal/cli-context.ts';
import { formatTable, printable, widthOf, wrapLines, wrapTo } from '../terminal/terminal-text.ts';

interface Look {
  readonly title: string;
  readonly color: 'green' | 'gray' | 'yellow' | 'red';
  readonly symbol: string;
}

/** The states, the worst first. */
const LOOKS: Readonly<Record<CheckStatus, Look>> = {
  failing: { title: 'failing', color: 'red', symbol: '✗' },
  degraded: { title: 'degraded', color: 'yellow', symbol: '!' },
  ok: { title: 'ok', color: 'green', symbol: '✓' },
  'not-set-up': { title: 'not set up', color: 'gray', symbol: '-' },
};
const ORDER = Object.keys(LOOKS) as readonly CheckStatus[];

/** What this release knows nothing of, over a server of a later one, is shown as it is. */
const lookOf = (status: CheckStatus): Look =>
  LOOKS[status] ?? { title: printable(status), color: 'yellow', symbol: '?' };

/** A name with its subject takes so many columns of a terminal at most. */
const NAME_WIDTH = 30;

const nameOf = ({ name, subject }: HealthCheck): string =>
  printable(subject === undefined ? name : `${name} ${subject}`);

/** Between two columns. */
const GAP = '  ';

/** A row in as many lines as its longest cell takes; every cell but the last one is padded. */
function linesOf(cells: readonly (readonly string[])[], widths: readonly number[]): string[] {
  const height = Math.max(...cells.map(({ length }) => length));
  return Array.from({ length: height }, (_, at) =>
    cells
      .map((cell, column) => (cell[at] ?? '').padEnd(widths[column] ?? 0))
      .join(GAP)
      .trimEnd(),
  );
}

/** The table for a terminal: a cell that is too long for it goes on below, so that nothing is cut. */
function terminalTable(rows: readonly (readonly string[])[], titles: readonly string[], columns: number): string[][] {
  const narrow = Math.min(NAME_WIDTH, Math.floor(columns / 3));
  const wrapped = [titles, ...rows].map(([status = '', name = '']) => [[status], wrapTo(narrow, name, true)]);
  const widths = [0, 1].map((at) => Math.max(...wrapped.flatMap((row) => (row[at] ?? []).map(({ length }) => length))));
  const left = columns - widths.reduce((sum, width) => sum + width + GAP.length, 0);
  return [titles, ...rows].map(([, , reason = ''], at) =>
    linesOf([...(wrapped[at] ?? []), wrapTo(left, reason, true)], widths),
  );
}

const TITLES = ['STATUS', 'CHECK', 'REASON'] as const;

/** @param width of the terminal; `undefined` if it is none, and each check is one line */
function tableOf(checks: readonly HealthCheck[], stream: OutputStream, width: number | undefined): string[] {
  const rows = checks.map((check) => {
    const { title, symbol } = lookOf(check.status);
    return [width === undefined ? title : `${symbol} ${title}`, nameOf(check), printable(check.reason)];
  });
  const columns = TITLES.map((title) => ({ title }));
  const [head = [], ...groups] =
    width === undefined ? formatTable(columns, rows).map((line) => [line]) : terminalTable(rows, TITLES, width);
  const coloured = groups.flatMap(([line = '', ...more], at) => {
    const [status = ''] = rows[at] ?? [];
    const { color } = lookOf(checks[at]?.status ?? 'ok');
    return [`${styleText(color, status, { stream })}${line.slice(status.length)}`, ...more];
  });
  return [...head, ...coloured];
}

const rank = ({ status }: HealthCheck): number => ORDER.indexOf(status);

const isFinding = ({ status }: HealthCheck): boolean => status !== 'ok' && status !== 'not-set-up';

/** What to do about findings; once if it is the same for several. */
function advices(checks: readonly HealthCheck[]): string[] {
  const subjects = new Map<string, string[]>();
  for (const check of checks.filter(isFinding)) {
    const advice = printable(check.advice);
    subjects.set(advice, [...(subjects.get(advice) ?? []), nameOf(check)]);
  }
  return [...subjects].map(([advice, names]) => `  ${names.join(', ')}: ${advice}`);
}

function countsOf(checks: readonly HealthCheck[]): string {
  const counts = new Map<CheckStatus, number>();
  for (const { status } of checks) counts.set(status, (counts.get(status) ?? 0) + 1);
  return [...counts].map(([status, number]) => `${number} ${lookOf(status).title}`).join(', ');
}

/** A report in lines: the checks, the worst first, then what to do. On a terminal no line is wider than it. */
export function healthLines({ status, checks }: HealthReport, stream: OutputStream): string[] {
  const sorted = checks.toSorted((one, other) => rank(one) - rank(other));
  const width = stream.isTTY === true ? widthOf(stream) : undefined;
  const todo = advices(sorted).flatMap((line) => wrapLines(width, line).split('\n'));
  return [
    ...tableOf(sorted, stream, width),
    ...(todo.length === 0 ? [] : ['', 'What to do:', ...todo]),
    '',
    ...wrapLines(width, `the store is ${status}: ${countsOf(sorted)}`).split('\n'),
  ];
}
