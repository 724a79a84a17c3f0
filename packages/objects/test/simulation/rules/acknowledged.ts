import { GRACE_PERIOD } from '../../../src/engine/engine.ts';
import { parseVersion } from '@securestore/core-format';
import type { Operation } from '../operations.ts';
import { isMutation } from '../operations.ts';
import type { Recorded } from '../world.ts';

/** A version that its caller was told of as made. */
export interface AcknowledgedVersion {
  readonly operation: Operation;
  readonly token: string;
  readonly version: string;
  readonly number: number;
}

/** The deletion that an operation made; `undefined` where it isn't certain which one it was. */
function deletionOf(recorded: Recorded, { process, invoked, returned }: Operation, token: string): string | undefined {
  const made = recorded.landings.filter(
    (landing) =>
      landing.process === process &&
      landing.token === token &&
      landing.deleted &&
      landing.sent >= invoked &&
      landing.time <= returned,
  );
  const versions = new Set(made.map(({ version }) => version));
  return versions.size === 1 ? made[0]?.version : undefined;
}

/** All versions that were acknowledged, deletions too. */
export function acknowledgedVersions(recorded: Recorded): AcknowledgedVersion[] {
  return recorded.operations.flatMap((operation) => {
    const { action, outcome, key } = operation;
    const token = recorded.tokens.get(key);
    if (!isMutation(action) || outcome.type !== 'ok' || token === undefined) return [];
    const deletes = outcome.existed === true ? deletionOf(recorded, operation, token) : undefined;
    const version = outcome.content?.version ?? deletes;
    return version === undefined ? [] : [{ operation, token, version, number: parseVersion(version).number }];
  });
}

/** Whether a purge may have removed a version of the object of an operation after it began. */
export function mayBePurged({ operations }: Recorded, { key, invoked }: Operation): boolean {
  return operations.some(
    ({ action, outcome, key: other, returned }) =>
      action.type === 'purge' &&
      other === key &&
      outcome.type !== 'failed' &&
      (outcome.type === 'unknown' || returned >= invoked),
  );
}

/** Whether the object of an operation may have been deleted and forgotten before a pass began that could not see it. */
export function mayBeForgotten({ plan }: Recorded, { invoked }: Operation, passed: number): boolean {
  return plan.shortHistory && invoked + GRACE_PERIOD < passed;
}
