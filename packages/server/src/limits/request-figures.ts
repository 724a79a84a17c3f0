import type { Refusal } from './connections.ts';
import { REFUSALS } from './connections.ts';

/** The bounds of durations, in seconds. */
export const BOUNDS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10] as const;

interface Figures {
  readonly byStatus: Map<number, number>;
  readonly buckets: number[];
  seconds: number;
  count: number;
}

/** A metric of the requests, by its name for Prometheus. */
export interface RequestMetric {
  readonly name: string;
  readonly type: 'counter' | 'gauge' | 'histogram';
  readonly labels: readonly string[];
  readonly description: string;
}

/** What is measured of the requests. */
export const REQUEST_METRICS: Readonly<Record<'refused' | 'running' | 'answered' | 'seconds', RequestMetric>> = {
  refused: {
    name: 'securestore_server_refused_total',
    type: 'counter',
    labels: ['reason'],
    description: 'Connections that were closed before there was a request.',
  },
  running: {
    name: 'securestore_server_requests_running',
    type: 'gauge',
    labels: [],
    description: 'Requests that are not answered yet.',
  },
  answered: {
    name: 'securestore_server_requests_total',
    type: 'counter',
    labels: ['route', 'status'],
    description: 'Requests that were answered.',
  },
  seconds: {
    name: 'securestore_server_request_seconds',
    type: 'histogram',
    labels: ['route'],
    description: 'Duration of requests.',
  },
};

function headOf({ name, type, description }: RequestMetric): string[] {
  return [`# HELP ${name} ${description}`, `# TYPE ${name} ${type}`];
}

/** Figures of one route: how often each status occurred, its histogram, and the total. */
interface RouteRecord {
  readonly route: string;
  readonly byStatus: readonly (readonly [status: number, count: number])[];
  readonly buckets: readonly number[];
  readonly seconds: number;
  readonly count: number;
}

/** Figures of a worker since its last message of them. */
export interface FiguresRecord {
  readonly routes: readonly RouteRecord[];
  readonly refused: readonly (readonly [reason: Refusal, count: number])[];
}

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
    const figures = this.#figuresOf(route);
    figures.byStatus.set(status, (figures.byStatus.get(status) ?? 0) + 1);
    figures.seconds += seconds;
    figures.count += 1;
    const at = BOUNDS.findIndex((bound) => seconds <= bound);
    if (at !== -1) figures.buckets[at] = (figures.buckets[at] ?? 0) + 1;
  }

  #figuresOf(route: string): Figures {
    let figures = this.#routes.get(route);
    if (figures === undefined) {
      figures = { byStatus: new Map(), buckets: BOUNDS.map(() => 0), seconds: 0, count: 0 };
      this.#routes.set(route, figures);
    }
    return figures;
  }

  /** Figures since the last call, for another process that adds them to its own. */
  drain(): FiguresRecord {
    const routes = [...this.#routes].map(([route, { byStatus, ...figures }]) => ({
      ...figures,
      route,
      byStatus: [...byStatus],
    }));
    const refused = [...this.#refused].filter(([, count]) => count > 0);
    this.#routes.clear();
    for (const reason of REFUSALS) this.#refused.set(reason, 0);
    return { routes, refused };
  }

  /** Adds what another process has counted. */
  absorb({ routes, refused }: FiguresRecord): void {
    for (const { route, byStatus, buckets, seconds, count } of routes) {
      const figures = this.#figuresOf(route);
      for (const [status, times] of byStatus) {
        figures.byStatus.set(status, (figures.byStatus.get(status) ?? 0) + times);
      }
      for (const [at, times] of buckets.entries()) figures.buckets[at] = (figures.buckets[at] ?? 0) + times;
      figures.seconds += seconds;
      figures.count += count;
    }
    for (const [reason, count] of refused) this.#refused.set(reason, (this.#refused.get(reason) ?? 0) + count);
  }

  /** In the format of Prometheus. @param current requests that are not answered yet */
  text(current: number): string {
    const { refused, running, answered, seconds: duration } = REQUEST_METRICS;
    const lines = [
      ...headOf(refused),
      ...[...this.#refused].map(([reason, count]) => `${refused.name}{reason="${reason}"} ${count}`),
      ...headOf(running),
      `${running.name} ${current}`,
      ...headOf(answered),
    ];
    for (const [route, { byStatus }] of this.#routes) {
      for (const [status, count] of byStatus)
        lines.push(`${answered.name}{route="${route}",status="${status}"} ${count}`);
    }
    lines.push(...headOf(duration));
    for (const [route, { buckets, count, seconds }] of this.#routes) {
      let sum = 0;
      for (const [at, bound] of BOUNDS.entries()) {
        sum += buckets[at] ?? 0;
        lines.push(`${duration.name}_bucket{route="${route}",le="${bound}"} ${sum}`);
      }
      lines.push(
        `${duration.name}_bucket{route="${route}",le="+Inf"} ${count}`,
        `${duration.name}_sum{route="${route}"} ${seconds}`,
        `${duration.name}_count{route="${route}"} ${count}`,
      );
    }
    return `${lines.join('\n')}\n`;
  }
}
