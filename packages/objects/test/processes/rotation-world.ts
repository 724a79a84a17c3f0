/** How many times as fast the clocks of all processes of a rotation test run. */
export const HURRY = 2;

/** The secret that is rotated, the one that takes its place, and the one that all other processes open the store by. */
export const SECRETS = { before: 7, after: 8, worker: 9 } as const;

export const keyBytes = (secret: number): Buffer => Buffer.alloc(32, secret);
