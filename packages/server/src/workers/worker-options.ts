/** The most workers of a server. */
export const MAX_WORKERS = 64;

/** How a server is served by several processes. */
export interface WorkerOptions {
  /** How many workers, from 2 to {@link MAX_WORKERS}. */
  readonly count: number;
  /** The module that a worker runs; it calls `serveAsWorker`. */
  readonly module: string | URL;
  /** The arguments of the module. Default none. */
  readonly args?: readonly string[] | undefined;
  /** The environment of workers. Default that of this process. */
  readonly env?: Readonly<Record<string, string | undefined>> | undefined;
  /** The `settings` of workers: anything that can be cloned, and no secrets. */
  readonly settings?: unknown;
  /**
   * The parts of a secret that a worker asks for, such as an unlock secret. They are fresh copies: they are wiped when the worker has
   * them. They pass through an anonymous pipe, as bytes.
   */
  readonly secrets?: ((name: string) => Promise<readonly Uint8Array[]>) | undefined;
}
