/** Where one server of a test run keeps its files and listens. */
export interface Place {
  /** A folder of its own, owned by the user that it runs as. */
  readonly folder: string;
  /** On 127.0.0.1. */
  readonly port: number;
  /** What clients must know to be let in. */
  readonly password: string;
  /** Whether what it acknowledged must outlive it when it is killed. */
  readonly durable: boolean;
  /** The full path of a program of {@link Service.programs}. */
  readonly program: (name: string) => string;
  /** Runs a program to its end, as the user that the server runs as; resolves to its exit code. */
  readonly run: (program: string, args: readonly string[]) => Promise<number>;
}

/** A kind of server that tests need. */
export interface Service {
  readonly name: string;
  /** The environment variable with the URL of a server to use instead of one that is started here. */
  readonly variable: string;
  /** What is needed to run it. */
  readonly programs: readonly string[];
  /** Folders that may hold the programs, beside those of the `PATH`; the last match of a pattern with `*` is the newest. */
  readonly folders: readonly string[];
  /** The packages of Debian that bring the programs. */
  readonly debianPackages: readonly string[];
  /** Puts what Debian doesn't have into our cache, where it isn't there yet; asked for after the packages of Debian. */
  setUp?(): Promise<void>;
  /** A user to run it as where this process is root, for a server that refuses to be root. */
  readonly user?: string;
  /** The signal that ends it without ceremony and leaves no process behind. */
  readonly stopSignal: NodeJS.Signals;
  /** Puts into the empty folder what the server needs before its first start. */
  prepare(place: Place): Promise<void>;
  /** The command that runs the server in the foreground. */
  command(place: Place): readonly [program: string, ...args: string[]];
  /** Whether it serves clients by now. */
  answers(place: Place): Promise<boolean>;
  /** The location of a backend on it. */
  url(place: Place): string;
}
