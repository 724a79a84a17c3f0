import type { ReadStream, WriteStream } from 'node:tty';
import type { Readable, Writable } from 'node:stream';

/** An input that may be a terminal. */
export type Input = Readable & Partial<Pick<ReadStream, 'isTTY' | 'setRawMode'>>;

/** An output that may be a terminal. */
export type OutputStream = Writable & Partial<Pick<WriteStream, 'isTTY' | 'columns'>>;

/** Everything that the command line takes from its process; nothing else of `process` is read. */
export interface Cli {
  readonly stdin: Input;
  readonly stdout: OutputStream;
  readonly stderr: OutputStream;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** The path by which this program was started, without links being followed; `undefined` if it was not started by one. */
  readonly script?: string | undefined;
  readonly platform: NodeJS.Platform;
  readonly now: () => Date;
  /** Random bytes, for the names of temporary files. */
  readonly random: (size: number) => Uint8Array;
  /** Aborted by the first SIGINT or SIGTERM. */
  readonly signal: AbortSignal;
  /** Whether the process is a worker of a server that another process of this command runs. */
  readonly isWorker?: boolean;
  /** Keeps the memory of this process low from now on, for work that goes over much data. Absent if the process is not ours alone. */
  readonly keepMemoryLow?: () => void;
  /** Stops turning signals into an abort: from then on they are the caller's. */
  readonly releaseSignals: () => void;
}
