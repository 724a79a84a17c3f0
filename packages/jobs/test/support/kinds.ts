import { SecureStoreError } from '@securestore/core-format';
import type { JobContext, JobKind } from '../../src/index.ts';

export interface CountTo {
  readonly to: number;
  /** Milliseconds for each number. */
  readonly every: number;
}

/** A job that counts. Its cursor is the last number, its report all numbers that this run has counted. */
export function counting(
  onItem: (item: number, context: JobContext<CountTo>) => void = () => undefined,
): JobKind<CountTo, number[]> {
  return {
    name: 'count',
    async run(context) {
      const { to, every } = context.parameters;
      const from = typeof context.cursor === 'number' ? context.cursor : 0;
      context.progress({ phase: 'counting', total: to });
      const counted: number[] = [];
      for (let item = from + 1; item <= to; item++) {
        await context.clock.sleep(every, context.signal);
        onItem(item, context);
        counted.push(item);
        context.progress({ done: 1, bytes: 10 });
        await context.save(item);
      }
      return counted;
    },
    parse(parameters) {
      const { to, every } = (parameters ?? {}) as Partial<CountTo>;
      if (typeof to === 'number' && typeof every === 'number') return { to, every };
      throw new SecureStoreError('INTEGRITY', 'these are not the parameters of counting');
    },
  };
}

/** Does what a test wants. */
export function kindOf<R>(run: JobKind<null, R>['run'], name = 'test'): JobKind<null, R> {
  return { name, run, parse: () => null };
}
