import type { BackendCapabilities, StorageBackend } from '@securestore/backend-api';

/** A fresh, empty store URL of the backend under test, and what can be done to it. */
export interface BackendFixture {
  /**
   * An initialised backend on this store URL. Called at least once; again for a second handle beside the first (races),
   * and after all were closed (durability). The suite closes what it opens.
   */
  open(): Promise<StorageBackend>;
  /**
   * Makes every later call of every open handle fail as it would with a broken disk or an unreachable server: listings
   * and reads of keys that never were, too.
   */
  breakStorage?(): Promise<void>;
  /** Removes what is at the store URL; called after every test, when all handles are closed. */
  dispose?(): Promise<void>;
}

/** What the suite is run on. */
export interface ConformanceOptions {
  /** What the tests are headed with: the backend, and the server or layers where there are several. */
  readonly name: string;
  /** The version of what is tested, for the report. */
  readonly version?: string;
  /** Makes a store URL that nothing was ever stored at; called for every test. */
  createFixture(): Promise<BackendFixture> | BackendFixture;
  /**
   * Replays the random operations of an earlier run, from 0 to 2³² − 1. A failure prints it; without it, and without
   * `SECURESTORE_TESTKIT_SEED` in the environment, every run takes a fresh one.
   */
  readonly seed?: number;
  /** How many random operations are compared with a plain map, from 1; 1,000 by default. */
  readonly operations?: number;
}

/** A capability that is present or absent. */
type CapabilityFlag = {
  [K in keyof BackendCapabilities]: BackendCapabilities[K] extends boolean ? K : never;
}[keyof BackendCapabilities];

/** What one test works with. */
export interface TestContext {
  /** A handle on a fresh, empty store URL. */
  readonly backend: StorageBackend;
  readonly capabilities: BackendCapabilities;
  readonly seed: number;
  readonly operations: number;
  /** A further handle on the same store URL; closed after the test. */
  readonly open: () => Promise<StorageBackend>;
  /** Makes a further fresh store URL; resolves to what opens handles on it, which are closed after the test. */
  readonly elsewhere: () => Promise<() => Promise<StorageBackend>>;
  /** See {@link BackendFixture.breakStorage}. */
  readonly breakStorage: () => Promise<void>;
}

/** What decides whether a test applies: what the backend declares and what its fixture can do. */
export interface Subject {
  readonly capabilities: BackendCapabilities;
  readonly canBreakStorage: boolean;
  /** Whether it lies in one file or folder of this machine. */
  readonly isLocal: boolean;
  /** Whether its clock is the `Date` of this process, which a test can set back. */
  readonly canSetClock: boolean;
}

/** One promise of the contract, as a test. */
export interface ConformanceTest {
  readonly name: string;
  /** The test is skipped where the backend declares this capability absent. */
  readonly needs?: CapabilityFlag;
  /** The negative test of a capability: it runs only where the backend declares it absent. */
  readonly without?: CapabilityFlag;
  /** The reason for which the test can't run on this subject, if there is one. */
  readonly skip?: (subject: Subject) => string | undefined;
  /** Throws where the promise is broken. */
  readonly run: (context: TestContext) => Promise<void>;
}

/** The tests of one concern. */
export interface Concern {
  readonly name: string;
  readonly tests: readonly ConformanceTest[];
}
