import type { IncomingMessage, ServerResponse } from 'node:http';
import type { MeterProvider } from '@opentelemetry/api';
import type { Meter, MeterFigures } from '@securestore/backend-api';
import { figuresSince } from '@securestore/backend-api';
import { SecureStoreError } from '@securestore/core-format';
import type { HealthArea } from '@securestore/objects/internal';
import { checkAmount, checkNames } from '../report/options.ts';
import type { HealthReport } from '../report/types.ts';
import type { Attributes, Source } from './instruments.ts';
import { CONTENT_TYPE, prometheusText } from './prometheus.ts';

const MAX_AGE = 60_000;
const NOTHING: MeterFigures = { calls: [], sentBytes: 0, receivedBytes: 0, retries: new Map() };

export interface MetricsOptions {
  /** How old the last look at the health of the store may be, in milliseconds; it is looked at anew otherwise. Default 60,000. */
  readonly maxAge?: number | undefined;
  /** What everything that is measured is about, such as which of several stores, by names as OpenTelemetry has them. */
  readonly attributes?: Attributes | undefined;
}

export interface OpenTelemetryOptions extends MetricsOptions {
  /** By default the one that the program has registered. */
  readonly provider?: MeterProvider | undefined;
}

/** What metrics need of the health of a store. */
export interface Looking {
  readonly last: () => HealthReport | undefined;
  readonly look: () => Promise<HealthReport>;
}

const isText = (value: unknown): boolean => typeof value === 'string';

/** @throws SecureStoreError `INVALID_ARGUMENT` */
function checkMetricsOptions(options: unknown, more: readonly string[] = []): void {
  checkNames(options, ['maxAge', 'attributes', ...more]);
  const { maxAge, attributes = {} } = options as MetricsOptions;
  checkAmount('maxAge', maxAge, 'milliseconds');
  if (typeof attributes === 'object' && attributes !== null && Object.values(attributes).every(isText)) return;
  throw new SecureStoreError('INVALID_ARGUMENT', 'the option "attributes" must map names to texts', {
    option: 'attributes',
  });
}

/** What is measured of an open store, for programs that watch it. */
export class Metrics {
  readonly #area: HealthArea;
  readonly #meter: Meter | undefined;
  readonly #health: Looking;
  #looking: Promise<unknown> | undefined;
  #drained: MeterFigures = NOTHING;

  constructor(area: HealthArea, meter: Meter | undefined, health: Looking) {
    this.#area = area;
    this.#meter = meter;
    this.#health = health;
  }

  /** What is measured as of now; the health is looked at where that was long ago. One look serves all who ask meanwhile. */
  async #source({ maxAge = MAX_AGE }: MetricsOptions): Promise<Source> {
    this.#area.checkOpen();
    const last = this.#health.last();
    const age = last === undefined ? Infinity : Math.abs(this.#area.clock.now() - last.time.getTime());
    if (age >= maxAge) {
      this.#looking ??= this.#health.look().finally(() => {
        this.#looking = undefined;
      });
      await this.#looking;
    }
    return { backend: this.#area.backend, figures: this.#meter?.figures ?? NOTHING, report: this.#health.last() };
  }

  /** Figures of the calls of the backend since the last call of `drain`, for {@link absorb} of another process. */
  drain(): MeterFigures {
    const now = this.#meter?.figures ?? NOTHING;
    const since = figuresSince(this.#drained, now);
    this.#drained = now;
    return since;
  }

  /**
   * Adds the figures of another process of the same program, so that metrics and the check `errors` are those of all its
   * processes.
   *
   * @param figures from its {@link drain}
   */
  absorb(figures: MeterFigures): void {
    this.#meter?.absorb(figures);
  }

  /**
   * Everything that is measured, in the text format of Prometheus.
   *
   * @throws SecureStoreError `INVALID_ARGUMENT`; `UNAVAILABLE` if the store has been closed
   */
  async prometheus(options: MetricsOptions = {}): Promise<string> {
    checkMetricsOptions(options);
    return prometheusText(await this.#source(options), options.attributes ?? {});
  }

  /**
   * Answers scrapes by Prometheus: to be called by a server of `node:http`, for the path that is scraped. Who may ask is for that server
   * to decide; nothing that it tells is secret, but for the URLs of destinations.
   *
   * @throws SecureStoreError `INVALID_ARGUMENT`
   */
  handler(options: MetricsOptions = {}): (request: IncomingMessage, response: ServerResponse) => void {
    checkMetricsOptions(options);
    const answer = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
      if (request.method !== 'GET' && request.method !== 'HEAD') {
        response.writeHead(405, { allow: 'GET, HEAD' }).end();
        return;
      }
      const text = await this.prometheus(options);
      const length = Buffer.byteLength(text);
      response.writeHead(200, { 'content-type': CONTENT_TYPE, 'content-length': length, 'cache-control': 'no-store' });
      response.end(request.method === 'HEAD' ? undefined : text);
    };
    return (request, response) => {
      answer(request, response).catch(() => {
        if (response.headersSent) response.destroy();
        else response.writeHead(503).end();
      });
    };
  }

  /**
   * Measures through OpenTelemetry, by whatever SDK the program has registered.
   *
   * @returns what ends that
   * @throws SecureStoreError `INVALID_ARGUMENT`
   */
  async openTelemetry(options: OpenTelemetryOptions = {}): Promise<() => void> {
    checkMetricsOptions(options, ['provider']);
    const { attributes: common = {}, provider } = options;
    // Loaded by those alone who want it.
    const { measureByOpenTelemetry } = await import('./open-telemetry.ts');
    return measureByOpenTelemetry({ meter: this.#meter, source: () => this.#source(options), common, provider });
  }
}
