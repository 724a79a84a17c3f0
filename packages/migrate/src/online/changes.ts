import type { Change, Consumer } from '@securestore/objects/internal';
import { mapConcurrently } from '@securestore/objects/internal';
import type { Copier } from './copier.ts';

const OBJECTS_AT_ONCE = 64;

/** The result of one read of the journal. */
export interface Applied {
  readonly changes: number;
  readonly alarms: readonly string[];
  /** Whether the next read finds more at once. */
  readonly more: boolean;
}

/** Reads the journal once, and applies its changes to the target. They are not confirmed yet. */
export async function applyChanges(consumer: Consumer, copier: Copier, signal: AbortSignal): Promise<Applied> {
  const { changes, alarms, more } = await consumer.poll({ signal });
  const byToken = Map.groupBy(changes, ({ token }) => token);
  const apply = ([token, of]: [string, Change[]]): Promise<void> => copier.apply(token, of);
  for await (const _ of mapConcurrently(byToken, OBJECTS_AT_ONCE, apply));
  return { changes: changes.length, alarms: alarms.map(({ message }) => message), more };
}
