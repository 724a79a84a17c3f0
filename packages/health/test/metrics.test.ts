import { spawnSync } from 'node:child_process';
import { channel } from 'node:diagnostics_channel';
import { once } from 'node:events';
import type { RequestListener } from 'node:http';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import {
  AggregationTemporality,
  InMemoryMetricExporter,
  MeterProvider,
  PeriodicExportingMetricReader,
} from '@opentelemetry/sdk-metrics';
import type { Layer } from '@securestore/backend-api';
import { SecureStoreError } from '@securestore/core-format';
import { describe, expect, it, onTestFinished } from 'vitest';
import { failure } from '../../objects/test/support/stores.ts';
import type { HealthMessage, HealthSource, ScrubMessage } from '../src/index.ts';
import { HEALTH_CHANNEL, SCRUB_CHANNEL } from '../src/index.ts';
import { CALLS, INSTRUMENTS } from '../src/metrics/instruments.ts';
import { world } from './support/world.ts';

/** Something that fills every instrument. */
const everything: HealthSource = {
  names: ['all'],
  check: async () =>
    [
      {
        name: 'backup',
        subject: 'file:/b "1"\\',
        figures: { age: 60_000, lag: 500, unverified: 1000, drillAge: 2000 },
      },
      { name: 'audit', figures: { findings: 0, lost: 3 } },
    ].map((one) => ({ status: 'ok', reason: 'as planned', advice: '', ...one }) as const),
};

const telling: Layer = (inner) => Object.assign(inner, { capacity: async () => ({ free: 5e9, total: 10e9 }) });

async function measured() {
  const target = await world({ sources: [everything], layers: [telling] });
  await target.store.store('a', 'x');
  target.meter.onRetry(new SecureStoreError('THROTTLED', 'slow down'));
  await failure(target.store.store('a', 'x', { ifAbsent: true }), 'CONFLICT');
  await target.health.scrub();
  return target;
}

/** All points that an SDK collects, by the names of their instruments. */
async function collected(health: Awaited<ReturnType<typeof measured>>['health'], work: () => Promise<unknown>) {
  const exporter = new InMemoryMetricExporter(AggregationTemporality.CUMULATIVE);
  const reader = new PeriodicExportingMetricReader({ exporter, exportIntervalMillis: 3_600_000 });
  const provider = new MeterProvider({ readers: [reader] });
  onTestFinished(() => provider.shutdown());
  const end = await health.metrics.openTelemetry({ provider, attributes: { 'service.name': 'tests' } });
  await work();
  await provider.forceFlush();
  end();
  const metrics = exporter.getMetrics().flatMap(({ scopeMetrics }) => scopeMetrics.flatMap((scope) => scope.metrics));
  return new Map(metrics.map((metric) => [metric.descriptor.name, metric]));
}

/** Samples of a scrape: each line without its value, and the value. */
function samplesOf(text: string): Map<string, number> {
  const lines = text.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
  return new Map(
    lines.map((line) => [line.slice(0, line.lastIndexOf(' ')), Number(line.slice(line.lastIndexOf(' ') + 1))]),
  );
}

async function served(listener: RequestListener): Promise<string> {
  const server = createServer(listener).listen(0, '127.0.0.1');
  onTestFinished(() => void server.close());
  await once(server, 'listening');
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/metrics`;
}

describe('metrics', () => {
  it('are read back by the SDK of OpenTelemetry', async () => {
    const { health, store, meter } = await measured();
    const metrics = await collected(health, async () => {
      await store.retrieve('a');
      await store.retrieve('a');
    });
    expect([...metrics.keys()].toSorted()).toEqual([CALLS.name, ...INSTRUMENTS.map(({ name }) => name)].toSorted());
    for (const { name, unit } of [CALLS, ...INSTRUMENTS]) expect(metrics.get(name)?.descriptor.unit).toBe(unit);
    const reads = metrics
      .get(CALLS.name)
      ?.dataPoints.find(({ attributes }) => attributes['securestore.backend.operation'] === 'read');
    expect(reads).toMatchObject({
      attributes: { 'service.name': 'tests', 'securestore.backend.name': 'memory' },
      value: { buckets: { boundaries: [0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5, 10] } },
    });
    const io = metrics.get('securestore.backend.io')?.dataPoints;
    expect(io?.map(({ attributes, value }) => [attributes['network.io.direction'], value])).toEqual([
      ['transmit', meter.figures.sentBytes],
      ['receive', meter.figures.receivedBytes],
    ]);
    expect(metrics.get('securestore.backup.lag')?.dataPoints).toMatchObject([
      { attributes: { 'securestore.destination': 'file:/b "1"\\' }, value: 0.5 },
    ]);
    expect(metrics.get('securestore.scrub.findings')?.dataPoints).toMatchObject([{ value: 0 }]);
  });

  it('follow the conventions of OpenTelemetry', () => {
    for (const { name, unit, description } of [CALLS, ...INSTRUMENTS]) {
      expect(name).toMatch(/^securestore(\.[a-z]+)+$/);
      expect(name).not.toMatch(/total$|seconds|bytes/);
      expect(unit).toMatch(/^(s|By|1|\{[a-z]+\})$/);
      expect(description).toMatch(/^\S.*\.$/);
    }
  });

  it('end when they are told to', async () => {
    const { health, store } = await measured();
    const exporter = new InMemoryMetricExporter(AggregationTemporality.CUMULATIVE);
    const provider = new MeterProvider({
      readers: [new PeriodicExportingMetricReader({ exporter, exportIntervalMillis: 3_600_000 })],
    });
    const end = await health.metrics.openTelemetry({ provider });
    end();
    await store.retrieve('a');
    await provider.forceFlush();
    await provider.shutdown();
    const metrics = exporter.getMetrics().flatMap(({ scopeMetrics }) => scopeMetrics.flatMap((scope) => scope.metrics));
    expect(metrics.filter(({ dataPoints }) => dataPoints.length > 0)).toEqual([]);
  });

  it('are what a scrape by Prometheus gets', async (context) => {
    const { health, meter } = await measured();
    const address = await served(health.metrics.handler({ attributes: { job: 'tests' } }));
    const response = await fetch(address);
    expect(response.headers.get('content-type')).toBe('text/plain; version=0.0.4; charset=utf-8');
    const text = await response.text();
    const samples = samplesOf(text);
    const labels = 'job="tests",securestore_backend_name="memory",securestore_backend_operation="read"';
    const reads = meter.figures.calls.find(({ operation, code }) => operation === 'read' && code === undefined);
    const count = samples.get(`securestore_backend_operation_duration_seconds_count{${labels}}`);
    expect(count).toBeGreaterThan(0);
    expect(count).toBeLessThanOrEqual(reads?.count ?? 0);
    expect(samples.get(`securestore_backend_operation_duration_seconds_bucket{${labels},le="+Inf"}`)).toBe(count);
    expect(
      samples.get(
        'securestore_backend_retries_total{job="tests",securestore_backend_name="memory",error_type="THROTTLED"}',
      ),
    ).toBe(1);
    expect(
      samples.get('securestore_backup_age_seconds{job="tests",securestore_destination="file:/b \\"1\\"\\\\"}'),
    ).toBe(60);
    expect(
      samples.get(
        'securestore_health_status{job="tests",securestore_health_check="head",securestore_health_state="ok"}',
      ),
    ).toBe(1);
    expect(
      samples.get(
        'securestore_health_status{job="tests",securestore_health_check="head",securestore_health_state="failing"}',
      ),
    ).toBe(0);
    const { error, status, stderr } = spawnSync('promtool', ['check', 'metrics'], { input: text, encoding: 'utf8' });
    if (error !== undefined) context.skip('promtool is not installed (Debian: apt install prometheus)');
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
  });

  it('are scraped in the right manner, and say when the store is closed', async () => {
    const { health, store } = await measured();
    const address = await served(health.metrics.handler());
    const head = await fetch(address, { method: 'HEAD' });
    expect(head.status).toBe(200);
    expect(Number(head.headers.get('content-length'))).toBeGreaterThan(1000);
    expect((await fetch(address, { method: 'POST' })).status).toBe(405);
    await store.close();
    const stale = await served(health.metrics.handler({ maxAge: 0.001 }));
    expect((await fetch(stale)).status).toBe(503);
  });

  it('look at the health once for all who ask, and again when that is long ago', async () => {
    const { health, clock, injector } = await measured();
    await health.check();
    const before = injector.calls;
    await Promise.all([health.metrics.prometheus(), health.metrics.prometheus()]);
    expect(injector.calls).toBe(before);
    clock.advance(60_000);
    await Promise.all([health.metrics.prometheus(), health.metrics.prometheus()]);
    expect(injector.calls - before).toBeGreaterThan(0);
    expect(injector.calls - before).toBeLessThan(40);
  });

  it('are there before a scrape is given up, which by default is after ten seconds, where the backend never answers', async () => {
    const { health, clock, injector } = await measured();
    injector.plan(() => ({ type: 'delay', until: new Promise(() => undefined) }));
    clock.advance(60_000);
    const begun = clock.now();
    const told: string[] = [];
    void health.metrics.prometheus().then((text) => told.push(text));
    while (told.length === 0 && clock.now() - begun < 20_000) {
      await new Promise(setImmediate);
      clock.advance(100);
    }
    expect(clock.now() - begun).toBeLessThan(9000);
    expect(told[0]).toContain('securestore_health_check="backend",securestore_health_state="failing"} 1');
  });

  it('refuse options that there are not, and wrong ones', async () => {
    const { health } = await measured();
    for (const options of [{ deep: 1 }, { maxAge: 0 }, { attributes: { a: 1 } }, { attributes: null }, null]) {
      await failure(health.metrics.prometheus(options as never), 'INVALID_ARGUMENT');
      expect(() => health.metrics.handler(options as never)).toThrow(
        expect.objectContaining({ code: 'INVALID_ARGUMENT' }),
      );
      await failure(health.metrics.openTelemetry(options as never), 'INVALID_ARGUMENT');
    }
  });
});

describe('the diagnostics channels', () => {
  it('tell of reports and of scrubs', async () => {
    const { health, place, store } = await measured();
    const heard: (HealthMessage | ScrubMessage)[] = [];
    const listener = (message: unknown): void => void heard.push(message as HealthMessage);
    for (const name of [HEALTH_CHANNEL, SCRUB_CHANNEL]) {
      channel(name).subscribe(listener);
      onTestFinished(() => {
        channel(name).unsubscribe(listener);
      });
    }
    const report = await health.check();
    const backend = await place.open();
    await backend.write('h/nothing-of-ours', Buffer.from('x'));
    const scrubbed = await health.scrub();
    const { url } = store;
    expect(heard).toEqual([
      { url, report },
      { url, finding: expect.objectContaining({ name: 'h/nothing-of-ours', repaired: false }) },
      { url, report: scrubbed },
    ]);
  });
});
