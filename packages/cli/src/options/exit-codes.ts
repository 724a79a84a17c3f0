import { ERROR_CODES, type ErrorCode, exitCodeOf } from '@securestore/core-format';

/** An exit code of the command line. */
export interface ExitCodeHelp {
  readonly code: number;
  readonly meaning: string;
  /** The error codes that end with it. */
  readonly errors: readonly ErrorCode[];
}

/** The meaning of each exit code. A code keeps its meaning in every release. */
const MEANINGS: Readonly<Record<number, string>> = {
  0: 'done',
  1: 'defect of securestore',
  2: 'wrong usage',
  3: 'not found',
  4: 'not allowed',
  5: 'damaged or rolled back',
  6: 'already exists, or was changed meanwhile',
  7: 'unavailable',
  8: 'done, except for some items, or for a destination that was not reached',
  9: 'wrong unlock secret',
  130: 'interrupted',
};

/** Every exit code but those that `exec` passes on from the program that it runs. */
export const EXIT_CODES: readonly ExitCodeHelp[] = Object.entries(MEANINGS).map(([code, meaning]) => ({
  code: Number(code),
  meaning,
  errors: ERROR_CODES.filter((error) => exitCodeOf(error) === Number(code)),
}));
