import type { Layer } from '@securestore/backend-api';
import { forwardTo } from '@securestore/backend-api';
import { expect, it } from 'vitest';
import { checkOf, DAY, troubles, world } from '../support/world.ts';

/** Every difference of clocks is a finding, and no call is slow. */
const LOOK = { thresholds: { maxClockSkew: 0, slowAfter: Infinity }, timeout: DAY } as const;
/** How long a call waits on each side of the backend, in milliseconds: more than the second to which a time may be told. */
const BUSY_FOR = 2000;

/** A backend that does not tell what time it has, and only when something was written. */
const untimed: Layer = (inner) =>
  forwardTo(inner, {
    async read(name, options) {
      const found = await inner.read(name, options);
      if (found === undefined) return undefined;
      const { now: _untold, ...rest } = found;
      return rest;
    },
  });

async function between<T>(pass: () => Promise<void>, call: () => Promise<T>): Promise<T> {
  await pass();
  const result = await call();
  await pass();
  return result;
}

/** A backend on a busy machine: time passes before the backend looks at its clock, and after it has. */
function busy(pass: () => Promise<void>): Layer {
  return (inner) =>
    forwardTo(inner, {
      read: (name, options) => between(pass, () => inner.read(name, options)),
      write: (name, body, options) => between(pass, () => inner.write(name, body, options)),
    });
}

it.each([
  ['tells its time', []],
  ['tells only when something was written', [untimed]],
])('clocks are not apart because calls take seconds, if the backend %s', async (_name, layers) => {
  let pass: (() => Promise<void>) | undefined;
  let ahead = 0;
  const { clock, health } = await world({ backendAhead: () => ahead, layers: [busy(async () => pass?.()), ...layers] });
  pass = () => clock.sleep(BUSY_FOR);
  const report = await health.check(LOOK);
  expect(troubles(report)).toEqual({});
  expect(checkOf(report, 'latency').figures?.['p50']).toBe(2 * BUSY_FOR);
  // More than the calls took.
  ahead = 10 * BUSY_FOR;
  expect(checkOf(await health.check(LOOK), 'clock').status).toBe('degraded');
});
