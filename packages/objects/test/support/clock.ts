import type { Clock } from '../../src/index.ts';

/** A clock that stands still until a test moves it. */
export class FakeClock implements Clock {
  wall: number = Date.UTC(2026, 0, 1);
  up = 1_000_000;

  now(): number {
    return this.wall;
  }

  uptime(): number {
    return this.up;
  }

  /** Lets time pass by both clocks, in milliseconds. */
  advance(milliseconds: number): void {
    this.wall += milliseconds;
    this.up += milliseconds;
  }
}
