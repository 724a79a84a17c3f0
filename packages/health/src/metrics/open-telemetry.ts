import type { MeterProvider, Observable } from '@opentelemetry/api';
import { metrics } from '@opentelemetry/api';
import type { Meter, MeteredCall } from '@securestore/backend-api';
import { DURATION_BOUNDS } from '@securestore/backend-api';
import type { Attributes, Instrument, Source } from './instruments.ts';
import { BACKEND, CALLS, ERROR, INSTRUMENTS, OPERATION } from './instruments.ts';

/** The name under which everything is measured. */
const SCOPE = '@securestore/health';

export interface OpenTelemetryPorts {
  readonly meter: Meter | undefined;
  /** What is measured as of now; it may take a moment. */
  readonly source: () => Promise<Source>;
  readonly common: Attributes;
  readonly provider: MeterProvider | undefined;
}

/** Measures through OpenTelemetry, until what it returns is called. Without an SDK that was registered it costs next to nothing. */
export function measureByOpenTelemetry({ meter, source, common, provider }: OpenTelemetryPorts): () => void {
  const otel = (provider ?? metrics.getMeterProvider()).getMeter(SCOPE);
  const { name, unit, description } = CALLS;
  const advice = { explicitBucketBoundaries: [...DURATION_BOUNDS] };
  const histogram = otel.createHistogram(name, { unit, description, advice });
  // Of what succeeds there are few kinds, and most calls are of them.
  const succeeded = new Map<string, Attributes>();
  const attributesOf = ({ backend, operation, code }: MeteredCall): Attributes => {
    const known = code === undefined ? succeeded.get(operation) : undefined;
    if (known?.[BACKEND] === backend) return known;
    const attributes = { ...common, [BACKEND]: backend, [OPERATION]: operation };
    if (code !== undefined) return { ...attributes, [ERROR]: code };
    succeeded.set(operation, attributes);
    return attributes;
  };
  const end = meter?.onCall((call) => histogram.record(call.seconds, attributesOf(call)));
  const make = (instrument: Instrument): Observable => {
    const options = { unit: instrument.unit, description: instrument.description };
    if (instrument.kind === 'counter') return otel.createObservableCounter(instrument.name, options);
    if (instrument.kind === 'gauge') return otel.createObservableGauge(instrument.name, options);
    return otel.createObservableUpDownCounter(instrument.name, options);
  };
  const observables = INSTRUMENTS.map((instrument) => ({ instrument, observable: make(instrument) }));
  const callback: Parameters<typeof otel.addBatchObservableCallback>[0] = async (result) => {
    const now = await source();
    for (const { instrument, observable } of observables) {
      for (const { attributes, value } of instrument.points(now)) {
        result.observe(observable, value, { ...common, ...attributes });
      }
    }
  };
  const all = observables.map(({ observable }) => observable);
  otel.addBatchObservableCallback(callback, all);
  return () => {
    end?.();
    otel.removeBatchObservableCallback(callback, all);
  };
}
