import { formatTime } from '../terminal/terminal-text.ts';

/** The basis of a check, and what it cannot show. */
export function comparedWith({ time }: { readonly time: Date }): string {
  return `compared with the checkpoint of ${formatTime(time)}; rollback or loss of anything stored since then cannot be detected`;
}
