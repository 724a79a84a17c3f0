import type { FaultPlan } from '@securestore/backend-api';

/** What can go wrong at the call `k` of a backend. */
export const TROUBLES: readonly (readonly [string, (k: number) => FaultPlan])[] = [
  [
    'the backend is gone from there on',
    (k) =>
      ({ index }) =>
        index >= k ? { type: 'fail' } : undefined,
  ],
  [
    'the call fails',
    (k) =>
      ({ index }) =>
        index === k ? { type: 'fail' } : undefined,
  ],
  [
    'its answer is lost',
    (k) =>
      ({ index }) =>
        index === k ? { type: 'lose-acknowledgement' } : undefined,
  ],
  [
    'the process is killed before',
    (k) =>
      ({ index }) =>
        index === k ? { type: 'kill-before' } : undefined,
  ],
  [
    'the process is killed after',
    (k) =>
      ({ index }) =>
        index === k ? { type: 'kill-after' } : undefined,
  ],
];
