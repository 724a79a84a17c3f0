import { styleText } from 'node:util';
import type { CheckStatus, HealthCheck, HealthReport } from 'securestore';
import type { OutputStream } from '../terminal/cli-context.ts';
import { cutTo, formatTable, printable, widthOf } from '../terminal/terminal-text.ts';

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

/** @param width of the terminal; `undefined` if it is none, and nothing is cut */
function tableOf(checks: readonly HealthCheck[], stream: OutputStream, width: number | undefined): string[] {
  const rows = checks.map((check) => {
    const { title, symbol } = lookOf(check.status);
    const status = width === undefined ? title : `${symbol} ${title}`;
    const name = width === undefined ? nameOf(check) : cutTo(NAME_WIDTH, nameOf(check));
    return [status, name, printable(check.reason)];
  });
  const table = formatTable([{ title: 'STATUS' }, { title: 'CHECK' }, { title: 'REASON' }], rows);
  const [head = '', ...lines] = width === undefined ? table : table.map((line) => cutTo(width, line));
  const coloured = lines.map((line, at) => {
    const [status = ''] = rows[at] ?? [];
    const { color } = lookOf(checks[at]?.status ?? 'ok');
    return `${styleText(color, status, { stream })}${line.slice(status.length)}`;
  });
  return [head, ...coloured];
}

const rank = ({ status }: HealthCheck): number => ORDER.indexOf(status);

const isFinding = ({ status }: HealthCheck): boolean => status !== 'ok' && status !== 'not-set-up';

/** What to do about findings; once if it is the same for several. Those of which the line was cut have their reason once more. */
function advices(checks: readonly HealthCheck[], isCut: boolean): string[] {
  const subjects = new Map<string, string[]>();
  for (const check of checks.filter(isFinding)) {
    const advice = printable(check.advice);
    const name = isCut ? `${nameOf(check)}: ${printable(check.reason)}` : nameOf(check);
    subjects.set(advice, [...(subjects.get(advice) ?? []), name]);
  }
  return [...subjects].map(([advice, names]) => `  ${names.join(isCut ? '; ' : ', ')}: ${advice}`);
}

function countsOf(checks: readonly HealthCheck[]): string {
  const counts = new Map<CheckStatus, number>();
  for (const { status } of checks) counts.set(status, (counts.get(status) ?? 0) + 1);
  return [...counts].map(([status, number]) => `${number} ${lookOf(status).title}`).join(', ');
}

/** A report in lines: a line for each check, the worst first, then what to do. On a terminal no line of a check is wider than it. */
export function healthLines({ status, checks }: HealthReport, stream: OutputStream): string[] {
  const sorted = checks.toSorted((one, other) => rank(one) - rank(other));
  const width = stream.isTTY === true ? widthOf(stream) : undefined;
  const todo = advices(sorted, width !== undefined);
  return [
    ...tableOf(sorted, stream, width),
    ...(todo.length === 0 ? [] : ['', 'What to do:', ...todo]),
    '',
    `the store is ${status}: ${countsOf(sorted)}`,
  ];
}
