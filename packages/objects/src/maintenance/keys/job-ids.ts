/** The kind of job that rotates keys, and its id: there is one at a time. */
export const ROTATION_JOB = 'rotation';
