import { forwardTo } from '@securestore/backend-api';
import { expect, it } from 'vitest';
import { memoryPlace } from '../../objects/test/support/places.ts';
import { usePlace } from '../../objects/test/support/stores.ts';
import { Writer } from '../src/online/writer.ts';
import { reached } from './support/moves.ts';

it('says that everything is written only when it is, however many wait for it', async () => {
  const inner = await reached(usePlace(() => memoryPlace()));
  const gates: PromiseWithResolvers<void>[] = [];
  const slow = forwardTo(inner, {
    async batch(operations, options) {
      const gate = Promise.withResolvers<void>();
      gates.push(gate);
      await gate.promise;
      return (await inner.batch?.(operations, options)) ?? [];
    },
  });
  const writer = new Writer(slow, undefined);
  await writer.write('o/a', Buffer.from('a'));
  const first = writer.finish();
  await expect.poll(() => gates.length).toBe(1);
  await writer.write('o/b', Buffer.from('b'));
  const second = writer.finish();
  // What gathers meanwhile is sent by whoever comes first.
  const third = writer.finish().then(async () => (await inner.read('o/b')) !== undefined);
  gates[0]?.resolve();
  await expect.poll(() => gates.length).toBe(2);
  gates[1]?.resolve();
  await Promise.all([first, second]);
  expect(await third).toBe(true);
});
