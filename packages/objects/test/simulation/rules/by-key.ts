import type { Content, Operation } from '../operations.ts';

export function byKey(operations: readonly Operation[]): Map<string, Operation[]> {
  const keys = new Map<string, Operation[]>();
  for (const operation of operations) {
    const own = keys.get(operation.key);
    if (own === undefined) keys.set(operation.key, [operation]);
    else own.push(operation);
  }
  return keys;
}

/** What is known of each version that any of the operations saw or wrote. */
export function contentsOf(operations: readonly Operation[]): Map<string, Content> {
  const contents = new Map<string, Content>();
  for (const { outcome } of operations) {
    if (outcome.type !== 'ok' || outcome.content?.version === undefined) continue;
    const { version, data, tag } = outcome.content;
    const known = contents.get(version);
    contents.set(version, { version, data: known?.data ?? data, tag: known?.tag ?? tag });
  }
  return contents;
}
