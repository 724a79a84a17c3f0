/**
 * Whose work a number is: the library's, that of a library people would use instead, the same work without what makes it a
 * store, which no target names, or the bare limit beneath all.
 */
export type Role = 'ours' | 'rival' | 'least' | 'raw';

export interface Contender {
  readonly name: string;
  readonly role: Role;
  /** Does the work once and returns one number in the unit of the comparison. */
  readonly sample: () => Promise<number>;
}

export type Unit = 'per second' | 'GB/s' | 'ms' | 'MB';

/** A number that ours must reach, as such or as a multiple of another contender's median. */
export interface Target {
  readonly bound: 'at least' | 'at most';
  readonly factor: number;
  /** What `factor` multiplies; without it `factor` is in the unit of the comparison. */
  readonly of?: 'the best rival' | 'the raw limit';
  /** Added after multiplying, in the unit of the comparison. */
  readonly plus?: number;
}

/** One row of a table: the same work done by several. */
export interface Comparison {
  readonly work: string;
  readonly unit: Unit;
  /** How many objects the work goes over; rows of the same work at several counts give its growth. */
  readonly count?: number;
  /** With which exponent the time is to grow with `count`: 0 for the cost of one thing, 1 for that of all. */
  readonly exponent?: 0 | 1;
  /** How many runs the median is of, where it is of more than usual. */
  readonly runs?: number;
  readonly contenders: readonly Contender[];
  readonly targets?: readonly Target[];
}

/** A contender that can't be measured on this machine, and why. */
export interface Absence {
  readonly name: string;
  readonly reason: string;
}

/** What an area is given. */
export interface Surroundings {
  /** An empty folder on the disk under test, removed afterwards. */
  readonly scratch: string;
  /** The share of the full work to do, 1 for a real measurement. */
  readonly scale: number;
  /** Names a contender that is absent. */
  readonly absent: (absence: Absence) => void;
  /** Says how far something is that takes minutes. */
  readonly progress: (text: string) => void;
}

/** A group of comparisons that are measured in one process of their own. */
export interface Area {
  readonly title: string;
  /** Sets each comparison up just before it is measured; what it set up before may be gone by the next one. */
  readonly comparisons: (surroundings: Surroundings) => AsyncGenerator<Comparison, void, undefined>;
}

export interface Sample {
  readonly name: string;
  readonly role: Role;
  readonly median: number;
  readonly min: number;
  readonly max: number;
}

export interface MeasuredRow {
  readonly work: string;
  readonly unit: Unit;
  readonly count?: number;
  readonly exponent?: 0 | 1;
  readonly samples: readonly Sample[];
  readonly targets: readonly Target[];
}

export interface MeasuredArea {
  readonly title: string;
  readonly runs: number;
  readonly rows: readonly MeasuredRow[];
  readonly absent: readonly Absence[];
}
