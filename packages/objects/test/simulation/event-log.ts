/** What happened in a schedule, as lines that are made only when somebody reads them. */
export class EventLog {
  readonly #now: () => number;
  readonly #entries: { readonly time: number; readonly who: string; readonly what: () => string }[] = [];

  constructor(now: () => number) {
    this.#now = now;
  }

  add(who: string, what: () => string): void {
    this.#entries.push({ time: this.#now(), who, what });
  }

  lines(): string[] {
    return this.#entries.map(
      ({ time, who, what }) => `${(time / 1000).toFixed(3).padStart(9)} s  ${who.padEnd(10)} ${what()}`,
    );
  }
}
