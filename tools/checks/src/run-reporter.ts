import process from 'node:process';
import type { Reporter, TestCase, TestModule, TestSpecification, TestSuite } from 'vitest/node';
import { missingFor } from '../../services/src/vitest/servers.ts';

/** How often a run that is not on a terminal says how far it is, in milliseconds. */
const INTERVAL_MS = 60_000;

/** What a test prints about a part of itself that it leaves out. */
const LEFT_OUT = /^skipped: (?<reason>.*)$/gm;

/** The reason at the end of the name of a test or a suite that is left out. */
const REASON = /\((?:skipped: )?(?<reason>[^()]*)\)$/;

/** Where a run is shown. */
export interface Display {
  readonly isTTY: boolean;
  readonly write: (text: string) => void;
  /** Milliseconds. */
  readonly now: () => number;
}

const TERMINAL: Display = {
  isTTY: process.stdout.isTTY,
  write: (text) => void process.stdout.write(text),
  now: () => performance.now(),
};

/** An error of a test, as Vitest hands it on. */
interface Failure {
  readonly message: string;
  readonly cause?: unknown;
}

/** More causes of an error than these are not named. */
const MAX_CAUSES = 3;

/** The first line of the message of an error, and of those that caused it. */
function firstLines(error: Failure): string[] {
  const lines: string[] = [];
  for (let at: unknown = error; lines.length <= MAX_CAUSES && typeof at === 'object' && at !== null;) {
    const { message, cause } = at as Partial<Failure>;
    const [first = ''] = String(message).split('\n');
    lines.push(first);
    at = cause;
  }
  return lines;
}

/**
 * A reporter of Vitest, beside the one that prints failures: says how many files are done and when the rest will be, on
 * a terminal in one line that changes, elsewhere in one line a minute; at once why a test failed; and at the end what was
 * skipped, by reason.
 */
export default class RunReporter implements Reporter {
  readonly #display: Display;
  /** The names of the tests that are left out, by their reasons. */
  readonly #skipped = new Map<string, string[]>();
  readonly #leftOut = new Set<string>();
  #files = 0;
  #done = 0;
  #tests = 0;
  #failed = 0;
  #begun = 0;
  #shown = 0;

  /** @param display - the terminal, unless a test gives another one; Vitest gives options, of which there are none */
  constructor(display: Display | object = TERMINAL) {
    this.#display = 'write' in display ? display : TERMINAL;
  }

  onTestRunStart(specifications: readonly TestSpecification[]): void {
    this.#files = specifications.length;
    this.#begun = this.#display.now();
    this.#shown = this.#begun;
  }

  onTestModuleEnd(module: TestModule): void {
    this.#done += 1;
    for (const test of module.children.allTests()) {
      const { state, errors } = test.result();
      if (state === 'failed') {
        this.#failed += 1;
        this.#explain(test.fullName, errors ?? []);
      }
      if (state === 'skipped') {
        const reason = reasonOf(test);
        this.#skipped.set(reason, [...(this.#skipped.get(reason) ?? []), test.fullName]);
      } else {
        this.#tests += 1;
      }
    }
    this.#explain(module.moduleId, module.errors());
    this.#show();
  }

  onUserConsoleLog(log: { readonly content: string }): void {
    for (const { groups } of log.content.matchAll(LEFT_OUT)) this.#leftOut.add(groups?.['reason'] ?? '');
  }

  onTestRunEnd(): void {
    const { isTTY, write } = this.#display;
    if (isTTY) write('\r\u001B[K');
    const byCount = [...this.#skipped].toSorted(([, some], [, others]) => others.length - some.length);
    for (const [reason, [first = '', ...more]] of byCount) {
      write(`  skipped ${more.length + 1}: ${reason}${reason === first ? '' : `, such as "${first}"`}\n`);
    }
    for (const reason of this.#leftOut) write(`  skipped in part: ${reason}\n`);
  }

  /** Says at once why something failed: the whole of it comes when the run ends, which may be in half an hour. */
  #explain(name: string, errors: readonly Failure[]): void {
    const { isTTY, write } = this.#display;
    for (const error of errors) {
      write(`${isTTY ? '\r\u001B[K' : ''}  failed: ${name}: ${firstLines(error).join('; caused by: ')}\n`);
    }
  }

  #show(): void {
    const { isTTY, write, now } = this.#display;
    if (isTTY) return write(`\r\u001B[K${this.#progress(now())}`);
    if (now() - this.#shown < INTERVAL_MS) return;
    this.#shown = now();
    write(`${this.#progress(now())}\n`);
  }

  #progress(now: number): string {
    const elapsed = now - this.#begun;
    const remaining = (elapsed / this.#done) * (this.#files - this.#done);
    // The longest files come first.
    const eta = this.#done * 3 < this.#files ? '' : `, about ${duration(remaining)} left`;
    const failed = this.#failed === 0 ? '' : `, ${this.#failed} failed`;
    return `  ${this.#done} of ${this.#files} files, ${this.#tests} tests${failed}; ${duration(elapsed)}${eta}`;
  }
}

/** What the test says when it leaves itself out, its name or that of a suite around it, or why its file has no server. */
function reasonOf(test: TestCase): string {
  const result = test.result();
  if (result.state === 'skipped' && result.note) return result.note;
  for (let task: TestCase | TestSuite | TestModule = test; task.type !== 'module'; task = task.parent) {
    const reason = REASON.exec(task.name)?.groups?.['reason'];
    if (reason !== undefined) return reason;
  }
  return missingFor(test.module.moduleId, test.project.getProvidedContext()) ?? test.fullName;
}

function duration(ms: number): string {
  const seconds = Math.round(ms / 1000);
  return seconds < 60 ? `${seconds} s` : `${Math.floor(seconds / 60)} min ${seconds % 60} s`;
}
