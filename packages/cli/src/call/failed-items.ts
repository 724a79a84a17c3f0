import type { Output } from './output.ts';
import { printable } from '../terminal/terminal-text.ts';

/** Says what could not be done, a line each. @param failed `name` is a name at the backend; `key` is that of its object, if it is known */
export async function sayFailed(
  out: Output,
  failed: readonly { readonly name: string; readonly key?: string; readonly code: string; readonly message: string }[],
): Promise<void> {
  for (const { name, key, code, message } of failed) {
    await out.result({ name, ...(key === undefined ? {} : { key }), code, message, status: 'failed' }, () => {
      return `failed: ${printable(key ?? name)}: ${printable(message)} [${code}]`;
    });
  }
}
