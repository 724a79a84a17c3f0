import type { Refusal } from './connections.ts';
import { REFUSALS } from './connections.ts';

/** The bounds of durations, in seconds. */
const BOUNDS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10] as const;

interface Figures {
  readonly byStatus: Map<number, number>;
  readonly buckets: number[];
  seconds: number;
  count: number;
}

const NAME = 'securestore_server';

/** How many requests there were, how they were answered, and how long that took, by route. */
export class RequestFigures {
  readonly #routes = new Map<string, Figures>();
  readonly #refused = new Map<Refusal, number>(REFUSALS.map((reason) => [reason, 0]));

  /** Counts what never became a request. */
  refuse(reason: Refusal): void {
    this.#refused.set(reason, (this.#refused.get(reason) ?? 0) + 1);
  }

  /** @param route method and path, as the interface has them: no names of objects */
  add(route: string, status: number, milliseconds: number): void {
    const seconds = milliseconds / 1000;
    let figures = this.#routes.get(route);
    if (figures === undefined) {
      figures = { byStatus: new Map(), buckets: BOUNDS.map(() => 0), seconds: 0, count: 0 };
      this.#routes.set(route, figures);
    }
    figures.byStatus.set(status, (figures.byStatus.get(status) ?? 0) + 1);
    figures.seconds += seconds;
    figures.count += 1;
    const at = BOUNDS.findIndex((bound) => seconds <= bound);
    if (at !== -1) figures.buckets[at] = (figures.buckets[at] ?? 0) + 1;
  }

  /** In the format of Prometheus. @param running requests under way */
  text(running: number): string {
    const lines = [
      `# HELP ${NAME}_refused_total Connections that were ended before there was a request.`,
      `# TYPE ${NAME}_refused_total counter`,
      ...[...this.#refused].map(([reason, count]) => `${NAME}_refused_total{reason="${reason}"} ${count}`),
      `# HELP ${NAME}_requests_running Requests under way.`,
      `# TYPE ${NAME}_requests_running gauge`,
      `${NAME}_requests_running ${running}`,
      `# HELP ${NAME}_requests_total Requests that were answered.`,
      `# TYPE ${NAME}_requests_total counter`,
    ];
    for (const [route, { byStatus }] of this.#routes) {
      for (const [status, count] of byStatus)
        lines.push(`${NAME}_requests_total{route="${route}",status="${status}"} ${count}`);
    }
    lines.push(`# HELP ${NAME}_request_seconds How long requests took.`, `# TYPE ${NAME}_request_seconds histogram`);
    for (const [route, { buckets, count, seconds }] of this.#routes) {
      let sum = 0;
      for (const [at, bound] of BOUNDS.entries()) {
        sum += buckets[at] ?? 0;
        lines.push(`${NAME}_request_seconds_bucket{route="${route}",le="${bound}"} ${sum}`);
      }
      lines.push(`${NAME}_request_seconds_bucket{route="${route}",le="+Inf"} ${count}`);
      lines.push(
        `${NAME}_request_seconds_sum{route="${route}"} ${seconds}`,
        `${NAME}_request_seconds_count{route="${route}"} ${count}`,
      );
    }
    return `${lines.join('\n')}\n`;
  }
}
