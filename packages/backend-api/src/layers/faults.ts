import { SecureStoreError } from '@securestore/core-format';
import { type Around, type BackendCall, type Layer, intercept } from './intercept.ts';

/**
 * What goes wrong with a call:
 * - `fail`: it never reaches the backend, and fails with `error`, or `UNAVAILABLE`;
 * - `lose-acknowledgement`: it takes place, and fails with `UNAVAILABLE` and, for a mutation, `outcome: 'unknown'`;
 * - `delay`: it waits for `until` before it continues;
 * - `kill-before`, `kill-after`: the process dies before or after the backend does it, as by {@link FaultInjector.kill}.
 */
export type Fault =
  | { readonly type: 'fail'; readonly error?: SecureStoreError }
  | { readonly type: 'lose-acknowledgement' }
  | { readonly type: 'delay'; readonly until: Promise<void> }
  | { readonly type: 'kill-before' }
  | { readonly type: 'kill-after' };

/** A call with its place among all calls that reached the layer, from 0. */
export type NumberedCall = BackendCall & { readonly index: number };

/** Says what goes wrong with a call; `undefined` for nothing. */
export type FaultPlan = (call: NumberedCall) => Fault | undefined;

/** A backend that fails on command, for tests. */
export interface FaultInjector {
  readonly layer: Layer;
  /** How many calls reached the layer. */
  readonly calls: number;
  /** Replaces the plan; without one nothing goes wrong. */
  plan(plan: FaultPlan | undefined): void;
  /**
   * From now on nothing reaches the backend and no call settles, as for a process that was killed: every call, also one
   * that is under way, stays pending for ever.
   */
  kill(): void;
  /** Whether {@link kill} was called or planned for a call that was made. */
  readonly killed: Promise<void>;
}

/** A layer whose faults are planned by the test that holds the injector. */
export function createFaultInjector(initial?: FaultPlan): FaultInjector {
  const stopping = Promise.withResolvers<void>();
  const forever = new Promise<never>(() => undefined);
  let dead = false;
  let calls = 0;
  let plan = initial;
  const kill = (): void => {
    dead = true;
    stopping.resolve();
  };
  const around: Around = async (call, run) => {
    const reach: () => ReturnType<typeof run> = async () => (dead ? forever : run(call.signal));
    if (dead) return forever;
    const fault = plan?.({ ...call, index: calls });
    calls += 1;
    try {
      const result = await inject(fault, call, reach, kill);
      return dead ? await forever : result;
    } catch (error) {
      if (dead) return forever;
      throw error;
    }
  };
  return {
    layer: intercept(() => around),
    get calls() {
      return calls;
    },
    plan: (next) => {
      plan = next;
    },
    kill,
    killed: stopping.promise,
  };
}

async function inject<T>(
  fault: Fault | undefined,
  call: BackendCall,
  reach: () => Promise<T>,
  stop: () => void,
): Promise<T> {
  switch (fault?.type) {
    case undefined:
      return reach();
    case 'fail':
      throw fault.error ?? injectedError(call);
    case 'delay':
      await fault.until;
      return reach();
    case 'lose-acknowledgement':
      await reach();
      throw injectedError(call, call.effect === 'none' ? undefined : 'unknown');
    case 'kill-before':
      stop();
      return reach();
    case 'kill-after':
      await reach();
      stop();
      return reach();
    default:
      throw new TypeError(`no such fault: ${JSON.stringify(fault satisfies never)}`);
  }
}

function injectedError({ backend, operation, key }: BackendCall, outcome?: 'unknown'): SecureStoreError {
  const message = `${backend}: ${operation}${key === undefined ? '' : ` of ${key}`} met an injected fault`;
  return new SecureStoreError('UNAVAILABLE', message, { backend, operation, key, outcome });
}
