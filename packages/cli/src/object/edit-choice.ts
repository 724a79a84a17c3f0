import { SecureStoreError } from '@securestore/core-format';
import type { Call } from '../call/call.ts';
import { openTerminal, type Terminal } from '../secret/prompt.ts';
import { readLine } from '../terminal/read-line.ts';

/** What becomes of a text that could not be stored. */
export type EditChoice =
  | { readonly kind: 'again' | 'edit' | 'overwrite' | 'discard' }
  | { readonly kind: 'elsewhere'; readonly key: string };

const LETTERS: Readonly<Record<string, 'again' | 'edit' | 'overwrite' | 'elsewhere' | 'discard'>> = {
  t: 'again',
  o: 'overwrite',
  e: 'edit',
  k: 'elsewhere',
  d: 'discard',
};

function discarded(): never {
  throw new SecureStoreError('ABORTED', 'cancelled at the prompt. Your text was not stored.');
}

async function answerOf(terminal: Terminal, question: string, signal: AbortSignal): Promise<string> {
  return (await readLine(terminal, question, false, signal))?.trim() ?? discarded();
}

/**
 * Asks what becomes of a text that could not be stored.
 *
 * @throws `error` with its effect, if there is no terminal to ask on; `ABORTED` if the person cancels
 */
export async function askAboutText(
  { cli, out }: Pick<Call, 'cli' | 'out'>,
  key: string,
  error: SecureStoreError,
  signal: AbortSignal,
): Promise<EditChoice> {
  using terminal = openTerminal(cli);
  const isConflict = error.code === 'CONFLICT';
  const why = isConflict ? 'the object was changed while you edited it' : error.message;
  const told = SecureStoreError.from(error, { message: `${why}. Your text was not stored.`, key });
  if (terminal === undefined) throw told;
  out.error(told);
  const first = isConflict ? '[o]verwrite the other change' : '[t]ry again';
  const question = `${first}, [e]dit on, store under another [k]ey, or [d]iscard your text? `;
  while (true) {
    const kind = LETTERS[(await answerOf(terminal, question, signal)).toLowerCase()];
    if (kind === undefined || kind === (isConflict ? 'again' : 'overwrite')) continue;
    if (kind !== 'elsewhere') return { kind };
    const other = await answerOf(terminal, 'Key: ', signal);
    if (other !== '') return { kind, key: other };
  }
}
