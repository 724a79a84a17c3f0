import type { ErrorCode, LockReason } from '@securestore/core-format';
import type { HistoryEntry } from '../../src/index.ts';

interface Conditions {
  readonly ifVersion?: string;
  readonly ifAbsent?: boolean;
}

/** What a client asks of an open store about one key. */
export type Action =
  | ({ readonly type: 'store'; readonly size: number } & Conditions)
  | ({ readonly type: 'setMetadata' | 'delete' } & Conditions)
  | ({ readonly type: 'restoreVersion'; readonly version: string } & Conditions)
  | { readonly type: 'undelete' | 'purge' }
  | { readonly type: 'retrieve' | 'has' | 'history' }
  | { readonly type: 'retrieveVersion'; readonly version: string };

const READS: ReadonlySet<Action['type']> = new Set(['retrieve', 'has', 'history', 'retrieveVersion']);

export const isMutation = ({ type }: Action): boolean => !READS.has(type);

/** What was seen of a version; a part that is not known is absent. */
export interface Content {
  /** Names the `store` that wrote the payload. */
  readonly data?: string | undefined;
  /** Names the `store` or `setMetadata` that wrote the metadata. */
  readonly tag?: string | undefined;
  readonly version?: string | undefined;
  /** The id of the key version that sealed it when it was seen. */
  readonly keyVersion?: string | undefined;
}

/** How an operation ended, as its caller knows it. */
export type Outcome =
  | {
      readonly type: 'ok';
      readonly content?: Content;
      /** Whether there was anything, of `has`, `delete` and `purge`. */
      readonly existed?: boolean;
      readonly entries?: readonly HistoryEntry[];
    }
  | {
      readonly type: 'failed';
      readonly code: ErrorCode | undefined;
      readonly message: string;
      readonly reason?: LockReason | undefined;
      readonly currentVersion?: string | undefined;
    }
  | {
      readonly type: 'unknown';
      readonly code: ErrorCode | undefined;
      readonly message: string;
      readonly reason?: LockReason | undefined;
    };

/** One call, with the simulated times at which it began and ended. */
export interface Operation {
  readonly id: number;
  readonly process: string;
  readonly key: string;
  readonly action: Action;
  readonly invoked: number;
  /** `Infinity` where its process died in it. */
  returned: number;
  outcome: Outcome;
}

/** The names of what an operation writes. */
export const dataOf = (id: number): string => `d${id}`;
export const tagOf = (id: number): string => `t${id}`;

/** A payload of about `size` bytes that tells which operation wrote it, and whether it is whole. */
export function payload(label: string, size: number): string {
  return `${label}:`.padEnd(size, label);
}

/** The label of a payload. @throws Error where it is not whole */
export function labelOf(data: Uint8Array): string {
  const text = Buffer.from(data).toString('latin1');
  const label = text.slice(0, text.indexOf(':'));
  if (payload(label, text.length) !== text) throw new Error(`a payload of ${data.length} bytes that nobody stored`);
  return label;
}

export function describeOutcome(outcome: Outcome): string {
  if (outcome.type !== 'ok') {
    const found =
      outcome.type === 'failed' && outcome.currentVersion !== undefined ? ` at ${outcome.currentVersion}` : '';
    return `${outcome.type} ${outcome.code ?? ''}${found}: ${outcome.message}`;
  }
  const { content, existed, entries } = outcome;
  const parts = [
    content && `${content.data ?? '?'} ${content.tag ?? '?'} ${content.version ?? ''}`,
    existed?.toString(),
  ];
  const listed = entries?.map(({ version, deleted }) => `${version}${deleted ? ' deleted' : ''}`).join(', ');
  return ['ok', ...parts, listed].filter((part) => part !== undefined).join(' ');
}

export function describeAction({ type, ...rest }: Action): string {
  const options = Object.entries(rest).map(([name, value]) => `${name}=${String(value)}`);
  return [type, ...options].join(' ');
}
