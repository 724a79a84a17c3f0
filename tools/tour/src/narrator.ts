import { styleText } from 'node:util';

/** Where the tour is told; colours come only where the stream is a terminal. */
export interface Output {
  readonly isTTY?: boolean;
  write(text: string): unknown;
}

export interface Narrator {
  /** Begins a step. */
  step(title: string, words: string): void;
  /** Shows a call as it stands in the source of this tour, makes it, and returns what it returned. */
  call<T>(action: () => T | Promise<T>): Promise<T>;
  /** As {@link Narrator.call} for one that must fail; shows the error and returns its message. */
  failingCall(action: () => unknown, code: string): Promise<string>;
  /** Shows a result, one line or several. */
  result(text: string): void;
  /** @throws Error that ends the tour where what was just said isn't so. */
  check(claim: string, holds: boolean): void;
}

export function narrator(output: Output): Narrator {
  const style = (format: Parameters<typeof styleText>[0], text: string): string =>
    output.isTTY === true ? styleText(format, text, { validateStream: false }) : text;
  const line = (text = ''): void => void output.write(`${text}\n`);
  const show = (action: () => unknown): void => line(style('cyan', indent(sourceOf(action), '> ')));
  const result = (text: string): void => line(indent(text, '  '));
  let steps = 0;
  return {
    step(title, words) {
      line(`\n${style('bold', `${++steps}. ${title}`)}\n${words}\n`);
    },
    async call(action) {
      show(action);
      return action();
    },
    async failingCall(action, code) {
      show(action);
      const error = await Promise.try(action).then(
        () => undefined,
        (reason: unknown) => reason,
      );
      const { code: actual, message } = (error ?? {}) as { code?: string; message?: string };
      if (actual !== code) throw new Error(`The call should have failed with ${code}.`, { cause: error });
      result(style('yellow', `${code}: ${message ?? ''}`));
      return message ?? '';
    },
    result,
    check(claim, holds) {
      if (!holds) throw new Error(`This is not so: ${claim}`);
      result(style('green', `✓ ${claim}`));
    },
  };
}

/** The body of an arrow function as it stands in its file, without the indentation of its surroundings. */
export function sourceOf(action: () => unknown): string {
  const body = action.toString().replace(/^(?:async )?\(\) =>\s*/, '');
  const [first = '', ...others] = body.split('\n');
  // The last line stands where the expression began.
  const margin = others.at(-1)?.search(/\S/) ?? 0;
  return [first, ...others.map((text) => text.slice(margin))].join('\n');
}

function indent(text: string, margin: string): string {
  return text
    .split('\n')
    .map((part, index) => (index === 0 ? margin : ' '.repeat(margin.length)) + part)
    .join('\n');
}
