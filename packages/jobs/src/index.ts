export { elapsedSince, instant, systemClock } from './clock.ts';
export type { Clock, Instant } from './clock.ts';
