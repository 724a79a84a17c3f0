/** The action of the last entry of a segment whose process ended in an orderly way. */
export const END_ACTION = 'audit.end';

/** The action of an entry that says what a sink has not got, or has lost. */
export const LOST_ACTION = 'audit.lost';
