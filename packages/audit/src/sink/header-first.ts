import { SecureStoreError } from '@securestore/core-format';
import type { AuditLine, SinkStart } from './sink.ts';

/** Lines as a sink without anything of its own writes them: the header before the first ones. */
export class HeaderFirst {
  #start: SinkStart | undefined;
  #written = false;

  start(start: SinkStart): void {
    this.#start = start;
  }

  get segment(): string {
    return this.#started.segment;
  }

  get #started(): SinkStart {
    if (this.#start === undefined) throw new SecureStoreError('INTERNAL', 'the sink was not started');
    return this.#start;
  }

  /** Hands `write` what is to be written. */
  async write(lines: readonly AuditLine[], write: (lines: readonly AuditLine[]) => unknown): Promise<void> {
    await write(this.#written ? lines : [this.#started.header, ...lines]);
    this.#written = true;
  }
}

export function textOf(lines: readonly AuditLine[]): string {
  return lines.map(({ text }) => `${text}\n`).join('');
}
