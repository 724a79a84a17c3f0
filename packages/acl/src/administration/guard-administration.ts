import { SecureStoreError } from '@securestore/core-format';
import type { CallOptions, Job } from '@securestore/objects';
import { withOneEnd } from '@securestore/objects/internal';
import type { AdministrationCall, Guard, JobCall, StoreAdministration } from './administration.ts';
import { ADMINISTRATION, JOB_IDS } from './administration.ts';
import { givenOnce } from './call-arguments.ts';
import type { Caller } from '../rules/for-callers.ts';
import { ABOUT_OBJECTS, FOR_CALLER, prefixIn } from '../rules/for-callers.ts';
import { FURTHER_ACTIONS } from './further-actions.ts';
import { guardedJob } from './guarded-job.ts';

type Members = Readonly<Record<string, unknown>>;
type Method = (...given: readonly unknown[]) => PromiseLike<unknown>;

/** @throws SecureStoreError `UNSUPPORTED` if there is no such administration */
function methodBehind(administration: object | undefined, call: AdministrationCall): Method {
  const names = call.split('.');
  const name = names.pop() ?? '';
  const owner = names.reduce<unknown>((members, next) => (members as Members | undefined)?.[next], administration);
  const method = (owner as Members | undefined)?.[name];
  if (typeof method === 'function') return (...given) => Reflect.apply(method, owner, given) as PromiseLike<unknown>;
  throw new SecureStoreError('UNSUPPORTED', `the store of this session does not have the call ${call}`);
}

/** Whose `timeout` is no end: what they have found by then they tell. */
const TELLING: ReadonlySet<AdministrationCall> = new Set(['health']);

/** What a call was given, its options last, with one end for the guard and the call. */
function endingOnce(
  call: AdministrationCall,
  given: readonly unknown[],
): { readonly given: readonly unknown[]; readonly signal: AbortSignal | undefined } {
  const last = given.at(-1);
  const isOptions = typeof last === 'object' && last !== null && ('signal' in last || 'timeout' in last);
  const options = isOptions ? withOneEnd(last as CallOptions) : undefined;
  if (options === undefined) return { given, signal: undefined };
  const signal = options.signal instanceof AbortSignal ? options.signal : undefined;
  return { given: TELLING.has(call) ? given : [...given.slice(0, -1), options], signal };
}

function guardedCall(
  administration: Partial<StoreAdministration> | undefined,
  call: AdministrationCall,
  guard: Guard,
  caller: Caller | undefined,
): unknown {
  const action = ADMINISTRATION[call];
  const id: (typeof JOB_IDS)[JobCall] | undefined = JOB_IDS[call as JobCall];
  const run = async (given: readonly unknown[]): Promise<unknown> => methodBehind(administration, call)(...given);
  return (...all: readonly unknown[]) => {
    const further = FURTHER_ACTIONS[call];
    const { given: own, signal } = endingOnce(call, givenOnce(call, all));
    const given = caller === undefined ? own : (FOR_CALLER[call]?.(own, caller) ?? own);
    const actions = ABOUT_OBJECTS[call];
    const asking = {
      call,
      action,
      also: () => further?.(given, administration?.backups) ?? [],
      about: actions && { key: given[0], actions },
      prefix: prefixIn(call, given),
      signal,
      given,
    };
    if (id === undefined) return guard({ ...asking, run: (bound = given) => run(bound) });
    return guardedJob(
      typeof id === 'string' ? id : id(...given),
      (bound) => methodBehind(administration, call)(...(bound ?? given)) as Job<unknown>,
      (runJob) => guard({ ...asking, run: runJob }),
    );
  };
}

/**
 * An administration whose every call goes through a guard. What `administration` lacks fails with `UNSUPPORTED`.
 *
 * @param administration the one of a store, as far as there is one
 * @param caller who calls, where it is not whoever has the store
 */
export function guardAdministration(
  administration: Partial<StoreAdministration> | undefined,
  guard: Guard,
  caller?: Caller,
): StoreAdministration {
  const guarded: Record<string, unknown> = {};
  for (const call of Object.keys(ADMINISTRATION) as AdministrationCall[]) {
    const names = call.split('.');
    const name = names.pop() ?? '';
    const owner = names.reduce((members, next) => (members[next] ??= {}) as Record<string, unknown>, guarded);
    owner[name] = guardedCall(administration, call, guard, caller);
  }
  return guarded as unknown as StoreAdministration;
}
