import { StringDecoder } from 'node:string_decoder';
import type { Input, OutputStream } from './cli-context.ts';

/** Sequences that arrow and function keys and pasting send; they are no text. */
const KEY_SEQUENCE = /\u001b(?:\[[0-9;?]*[ -/]*[@-~]|O[A-Z]|.)?/gu;

/** What has been typed so far, and how the line ended once it has. */
export interface Line {
  readonly text: string;
  readonly ending?: 'entered' | 'cancelled';
  /** What was typed after the end of the line. */
  readonly rest: string;
}

/** The line after `typed` has come in as single keys: text, and the keys that edit or end it. */
export function type(before: string, typed: string): Line {
  const characters = Array.from(before);
  let position = 0;
  const keys = Array.from(typed.replace(KEY_SEQUENCE, ''));
  for (const key of keys) {
    position += 1;
    const rest = keys.slice(position).join('');
    if (key === '\r' || key === '\n') return { text: characters.join(''), ending: 'entered', rest };
    // Ctrl-C; and Ctrl-D, which ends a line that nobody began.
    if (key === '\u0003') return { text: '', ending: 'cancelled', rest };
    if (key === '\u0004')
      return { text: characters.join(''), ending: characters.length > 0 ? 'entered' : 'cancelled', rest };
    if (key === '\u007f' || key === '\b') characters.pop();
    else if (key === '\u0015') characters.length = 0;
    else if (key >= ' ') characters.push(key);
  }
  return { text: characters.join(''), rest: '' };
}

/** A terminal: what is typed on it, and where it shows text. */
export interface LineTerminal {
  readonly input: Input;
  readonly output: OutputStream;
}

/**
 * Reads one line from a terminal. A `hidden` one is not shown while it is typed, nor is its length.
 *
 * @returns undefined where the person cancels with Ctrl-C, or there is no more input.
 * @throws the reason of `signal` where that is aborted.
 */
export async function readLine(
  { input, output }: LineTerminal,
  prompt: string,
  hidden: boolean,
  signal: AbortSignal,
): Promise<string | undefined> {
  signal.throwIfAborted();
  output.write(prompt);
  if (hidden) input.setRawMode?.(true);
  try {
    return await nextLine(input, signal);
  } finally {
    if (hidden) {
      input.setRawMode?.(false);
      // The line end that was typed isn't shown either.
      output.write('\n');
    }
  }
}

function nextLine(input: Input, signal: AbortSignal): Promise<string | undefined> {
  const decoder = new StringDecoder('utf8');
  let text = '';
  return new Promise((resolve, reject) => {
    const stop = (): void => {
      input.off('data', take).off('end', end).off('error', fail).pause();
      signal.removeEventListener('abort', abort);
    };
    const end = (): void => {
      stop();
      resolve(undefined);
    };
    const fail = (error: unknown): void => {
      stop();
      reject(error);
    };
    const abort = (): void => fail(signal.reason);
    const take = (chunk: Buffer): void => {
      const line = type(text, decoder.write(chunk));
      ({ text } = line);
      if (line.ending === undefined) return;
      stop();
      resolve(line.ending === 'entered' ? text : undefined);
      // What was typed ahead is for the next question.
      if (line.rest !== '') input.unshift(Buffer.from(line.rest));
    };
    signal.addEventListener('abort', abort);
    input.on('data', take).on('end', end).on('error', fail).resume();
  });
}
