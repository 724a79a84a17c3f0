import type { AuditLink, StoredAuditEntry } from '@securestore/core-format';

/** A line of the log, without its end. */
export interface AuditLine {
  /** Made when it is asked for first. */
  readonly text: string;
  /** Of the entry; 0 for the header. */
  readonly sequence: number;
  /** What the line is made of; the batch of the header is 0. */
  readonly stored: StoredAuditEntry;
}

/** What a sink is told once, before anything else. */
export interface SinkStart {
  /** The line with which the segment begins. */
  readonly header: AuditLine;
  /** The id of the segment. */
  readonly segment: string;
  /** Whether {@link Sink.write} may resolve only when the lines would outlive a loss of power. */
  readonly durable: boolean;
  /** Tells the owner of the log what people should know, such as that the file was deleted. It goes into the log, too. */
  readonly notice: (what: string) => void;
}

/**
 * Where the log goes. A sink is asked for one write at a time. One that fails is asked again with the same array until it
 * succeeds, and must write no line again that it has written whole.
 */
export interface Sink {
  /** For messages and counters, such as `file`. */
  readonly name: string;
  /**
   * How long lines are gathered before a write, in milliseconds, unless somebody waits for them or there are many: for sinks of which
   * each write costs as much, whatever it holds. Default 0.
   */
  readonly gather?: number;
  /** How far segments go that lie where this one is to go on. */
  tips?(): Promise<readonly AuditLink[]>;
  start(start: SinkStart): void;
  /** Resolves when the header and all the lines are written. */
  write(lines: readonly AuditLine[]): Promise<void>;
  close(): Promise<void>;
}
