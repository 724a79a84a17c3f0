import type { Output } from './output.ts';
import { printable } from '../terminal/terminal-text.ts';

/** Says what could not be done, a line each; `name` is a name at the backend. */
export async function sayFailed(
  out: Output,
  failed: readonly { readonly name: string; readonly code: string; readonly message: string }[],
): Promise<void> {
  for (const { name, code, message } of failed) {
    await out.result({ name, code, message, status: 'failed' }, () => {
      return `failed: ${printable(name)}: ${printable(message)} [${code}]`;
    });
  }
}
