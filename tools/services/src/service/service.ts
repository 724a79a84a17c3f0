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
  /** The full path of a program of {@link Needed.programs}. */
  readonly program: (name: string) => string;
  /** Runs a program to its end, as the user that the server runs as; resolves to its exit code. */
  readonly run: (program: string, args: readonly string[]) => Promise<number>;
}

/** Programs that tests need. */
export interface Needed {
  readonly name: string;
  readonly programs: readonly string[];
  /** Folders that may hold the programs, beside those of the `PATH`; the last match of a pattern with `*` is the newest. */
  readonly folders: readonly string[];
  /** The packages of Debian that bring the programs. */
  readonly debianPackages: readonly string[];
  /** Brings the programs into a cache of ours, which needs no rights; the packages of Debian are then what that needs. */
  readonly install?: (() => Promise<void>) | undefined;
  /** What single tests want to have beside it, and are left out without; installed only where packages may be. */
  readonly wished?: Pick<Needed, 'programs' | 'debianPackages'> | undefined;
}

/** A kind of server that tests need. */
export interface Service extends Needed {
  /** The environment variable with the URL of a server to use instead of one that is started here. */
  readonly variable: string;
  /** What it does wrong that the service and other versions of it do right, for the names of tests that are left out. */
  readonly lacks?: string;
  /** A user to run it as where this process is root, for a server that refuses to be root, or should not be. */
  readonly user?: string;
  /** The signal that ends it without ceremony and leaves no process behind. */
  readonly stopSignal: NodeJS.Signals;
  /** Puts into the empty folder what the server needs before its first start. */
  prepare(place: Place): Promise<void>;
  /** The command that runs the server in the foreground. */
  command(place: Place): readonly [program: string, ...args: string[]];
  /** Whether it serves clients by now. */
  answers(place: Place): Promise<boolean>;
  /** The store URL of a backend on it. */
  url(place: Place): string;
}
