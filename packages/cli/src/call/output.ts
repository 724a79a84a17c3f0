import { once } from 'node:events';
import { styleText } from 'node:util';
import { fileError } from '@securestore/core-format';
import { hintsOf } from '../errors/advice-hints.ts';
import type { Cli, OutputStream } from '../terminal/cli-context.ts';
import { commandHintsOf, type ErrorContext, type ErrorReport, reportOf } from '../errors/error-report.ts';
import { type Hint, type HintContext, hintText } from '../errors/hints.ts';
import { jsonLine, printable, printableLines, widthOf, wrapLine, wrapLines } from '../terminal/terminal-text.ts';

/** Where a command says what it has to say: results on stdout, everything else on stderr. */
export interface Output {
  readonly json: boolean;
  /** Whether the reader of stdout has gone away (`securestore ls | head`); what is written then is dropped. */
  readonly closed: () => boolean;
  /** One result: `value` as a JSON line with `--json`, the lines of `text` otherwise. */
  readonly result: (value: object, text: () => string | readonly string[]) => Promise<void>;
  /** Something worth knowing beside the result; not said with `--json`. */
  readonly note: (text: string) => void;
  /** Something that somebody should mend or know, said once; not said with `--json`. */
  readonly warning: (text: string) => void;
  /** An error, as one JSON line with `--json`. Returns its exit code. */
  readonly error: (error: unknown, context?: ErrorContext) => number;
  /** A name as stdout gets it: escaped on a terminal, for programs as it is. */
  readonly name: (name: string) => string;
  /** Raw bytes on stdout, after everything before has been taken. */
  readonly bytes: (chunk: Uint8Array) => Promise<void>;
  /** Resolves when stdout has taken everything. @throws where it could not, though somebody is reading */
  readonly flush: () => Promise<void>;
}

function errorLines(
  report: ErrorReport,
  subject: string | undefined,
  hints: readonly Hint[],
  stderr: OutputStream,
  columns: number | undefined,
): string {
  const label = styleText('red', subject === undefined ? 'error:' : 'failed:', { stream: stderr });
  const key = report.key === undefined ? undefined : JSON.stringify(report.key);
  const named = subject ?? (key !== undefined && !report.message.includes(key) ? key : undefined);
  // A member of a JSON file may have no name at all.
  const about = named === undefined ? '' : `${named === '' ? '""' : printable(named)}: `;
  const lines = [`${label} ${about}${printable(report.message)} [${report.code}]`];
  if (report.outcome === 'unknown') lines.push('the change may have been made: check before you try again');
  if (report.currentVersion !== undefined) lines.push(`current version: ${printable(report.currentVersion)}`);
  if (report.cause !== undefined) lines.push(`because: ${printable(report.cause)}`);
  const mark = styleText('cyan', 'hint:', { stream: stderr });
  const hinted = hints.map((hint) => {
    const command = hint.command === undefined ? undefined : printable(hint.command);
    return wrapLine(columns, `${mark} ${printable(hintText(hint))}`, command);
  });
  const after = subject === undefined && report.page !== undefined ? [`see: ${report.page}`] : [];
  // Only a hint has a command: a name in the headline may look like one.
  const before = lines.map((line) => wrapLine(columns, line, undefined));
  return [...before, ...hinted, ...after, ''].join('\n');
}

/**
 * The {@link Output} of one run.
 *
 * @param context tells what the hints of an error are made of
 */
export function createOutput(cli: Pick<Cli, 'stdout' | 'stderr'>, json: boolean, context: () => HintContext): Output {
  const { stdout, stderr } = cli;
  const said = new Set<string>();
  let closed = false;
  let failure: unknown;
  const reader = new AbortController();
  /** Text for a person, in lines that fit their terminal. */
  const columns = (): number | undefined => (stderr.isTTY === true ? widthOf(stderr) : undefined);
  const wrapped = (text: string): string => wrapLines(columns(), text);
  // A reader that stops reading is no failure: what is left to say is dropped, and loops that only say things stop.
  stdout.on('error', (error: NodeJS.ErrnoException) => {
    closed = true;
    if (error.code !== 'EPIPE') failure ??= fileError(error, 'the output could not be written, and is not complete');
    reader.abort();
  });
  stderr.on('error', () => {});

  async function write(chunk: string | Uint8Array): Promise<void> {
    if (closed) return;
    if (!stdout.write(chunk)) await once(stdout, 'drain', { signal: reader.signal }).catch(() => {});
  }

  return {
    json,
    closed: () => closed,
    result: async (value, text) => {
      const lines = json ? jsonLine(value) : text();
      const whole = typeof lines === 'string' ? `${lines}\n` : lines.map((line) => `${line}\n`).join('');
      await write(stdout.isTTY === true && !json ? printableLines(whole) : whole);
    },
    note: (text) => {
      if (!json) stderr.write(`${wrapped(printableLines(text))}\n`);
    },
    warning: (text) => {
      // Once is enough for a person, however many steps of a command meet it.
      if (!json && !said.has(text)) stderr.write(`${wrapped(`warning: ${printable(text)}`)}\n`);
      said.add(text);
    },
    error: (error, { subject, ...known } = {}) => {
      const report = reportOf(error, known);
      // Of many items that fail, each has its line and none a hint of its own.
      const own = commandHintsOf(error, known);
      const hints = subject === undefined ? hintsOf(report.advice ?? [], context(), own) : [];
      const told = hints.length === 0 ? report : { ...report, hints: hints.map(hintText) };
      stderr.write(json ? `${jsonLine(told)}\n` : errorLines(report, subject, hints, stderr, columns()));
      return report.exitCode;
    },
    name: (name) => (stdout.isTTY === true ? printable(name) : name),
    bytes: write,
    flush: async () => {
      if (!closed) await new Promise<void>((resolve) => void stdout.write('', () => resolve()));
      if (failure !== undefined) throw failure;
    },
  };
}
