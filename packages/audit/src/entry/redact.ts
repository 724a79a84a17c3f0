import type { KeyObject } from 'node:crypto';
import type { AuditEntry, AuditObject, AuditOutcome, AuditTextField } from '@securestore/core-format';
import {
  AUDIT_HASH_LENGTH,
  AUDIT_TEXT_LIMITS,
  compilePattern,
  cutText,
  MAX_TIME,
  SecureStoreError,
} from '@securestore/core-format';
import { deriveBytes, RecentCache } from '@securestore/crypto';

/** What is recorded of an attempt. There is no place for a value, and what is not listed here is not looked at. */
export interface AuditEvent {
  /** What was tried, such as `read`. */
  readonly action: string;
  readonly outcome: AuditOutcome;
  /** When, in milliseconds since 1970; by default now. */
  readonly time?: number | undefined;
  readonly principal?: string | undefined;
  /** The name of the object; how much of it is kept is for {@link RedactionOptions} to say. */
  readonly object?: string | undefined;
  readonly category?: string | undefined;
  /** Why it ended as it did: best a code. Of an error only its code is kept. */
  readonly reason?: unknown;
  readonly requestId?: string | undefined;
  /** In milliseconds. */
  readonly duration?: number | undefined;
}

export interface RedactionOptions {
  /** For the hashes of names: who has it can tell whether a hash is that of a name that they guess. */
  readonly nameKey: KeyObject;
  /** Hashes of names instead, of many in one go: 16 bytes each, `undefined` for a name that is to be hashed by {@link nameKey} after all. */
  readonly hashNames?: ((names: readonly string[]) => (Uint8Array | undefined)[]) | undefined;
  /** Patterns of the keys whose names are kept in clear, as in rules of access: `**` is all of them. Default none. */
  readonly clearKeys?: readonly string[] | undefined;
}

/** An event as it may be written down. */
export type RedactedEvent = Omit<AuditEntry, 'sequence'>;

/** An event as it may be written down once the name of its object has been hashed, which nobody else has a hold of. */
export interface Redacted {
  readonly event: Omit<RedactedEvent, 'object'> & { object?: AuditObject };
  readonly toHash?: string | undefined;
}

/** Makes an event fit to be written down; whatever it is given, it doesn't throw. */
export type Redactor = (event: unknown, now: number) => Redacted;

const UNREADABLE = '[unreadable]';
/** What is longer comes once, most likely. */
const MAX_REMEMBERED = 256;
const REMOVED = '[removed]';

// Control and format characters, what Unicode has not assigned, private use, separators of lines and paragraphs.
const UNFIT = /[\p{C}\p{Zl}\p{Zp}]/gu;
// API tokens of securestore, JSON web tokens, printed secrets and identities, blocks of keys, authorisation headers, and
// runs of characters that are as long as a key and no word.
const SECRET_LIKE =
  /sst_[\w-]{20,}|eyJ[\w-]{10,}(\.[\w-]*){0,2}|\bSS(RC|SH|ID)1-[\w-]+|-----BEGIN[^]*|\b(basic|bearer)[\s\ufffd]+\S+|[A-Za-z0-9+/_=]{40,}/gi;
// For names of principals and categories, which may be long.
const TOKEN_LIKE = /sst_[\w-]{20,}|eyJ[\w-]{10,}(\.[\w-]*){0,2}/g;

/** A member of something that may be anything, such as an object whose members throw. */
function memberOf(event: unknown, name: keyof AuditEvent): unknown {
  try {
    return (event as Readonly<Record<string, unknown>> | null | undefined)?.[name];
  } catch {
    return Symbol(UNREADABLE);
  }
}

/** What stands for a value of a type that has no place here. Nothing of the value is asked. */
function marker(value: unknown): string {
  return typeof value === 'symbol' ? UNREADABLE : `[${value === null ? 'null' : typeof value}]`;
}

/** @param secrets what is removed */
function textOf(field: AuditTextField, value: unknown, secrets: RegExp): string {
  if (value === undefined) return '';
  if (typeof value !== 'string') return marker(value);
  // Cut last: of a secret that is cut nobody could tell that it is one.
  const visible = value.toWellFormed().replace(UNFIT, '\ufffd').replace(secrets, REMOVED);
  return cutText(visible, AUDIT_TEXT_LIMITS[field]);
}

function reasonOf(value: unknown): string {
  try {
    if (SecureStoreError.is(value)) return textOf('reason', value.code, SECRET_LIKE);
    if (value instanceof Error) return '[error]';
  } catch {
    return UNREADABLE;
  }
  return textOf('reason', value, SECRET_LIKE);
}

function count(value: unknown, max: number): number | undefined {
  return typeof value === 'number' && value >= 0 && value <= max ? Math.round(value) : undefined;
}

/** What {@link textOf} makes of texts that come again and again, such as the names of actions. */
class Texts {
  readonly #known = new RecentCache<string, string>(1000);

  of(field: AuditTextField, value: unknown, secrets: RegExp): string {
    if (typeof value !== 'string' || value.length > MAX_REMEMBERED) return textOf(field, value, secrets);
    const name = `${field} ${value}`;
    let text = this.#known.get(name);
    if (text === undefined) this.#known.set(name, (text = textOf(field, value, secrets)));
    return text;
  }
}

/** @throws SecureStoreError `INVALID_ARGUMENT`, `INVALID_KEY` for patterns that are none */
export function redactor({ clearKeys = [] }: Pick<RedactionOptions, 'clearKeys'>): Redactor {
  const tests = clearKeys.map((pattern) => compilePattern(pattern));
  const texts = new Texts();

  function isClear(name: string): boolean {
    if (tests.length === 0) return false;
    const segments = name.split('/');
    return tests.some((test) => test(segments));
  }

  function clearObject(name: unknown): AuditObject | undefined {
    if (name === undefined || name === '') return undefined;
    if (typeof name !== 'string') return { name: marker(name) };
    return isClear(name) ? { name: clearName(name) } : undefined;
  }

  return (event, now) => {
    const name = memberOf(event, 'object');
    const object = clearObject(name);
    const outcome = memberOf(event, 'outcome');
    const duration = memberOf(event, 'duration');
    const redacted: Redacted['event'] = {
      time: count(memberOf(event, 'time'), MAX_TIME) ?? count(now, MAX_TIME) ?? 0,
      principal: texts.of('principal', memberOf(event, 'principal'), TOKEN_LIKE),
      action: texts.of('action', memberOf(event, 'action'), SECRET_LIKE) || '[none]',
      category: texts.of('category', memberOf(event, 'category'), TOKEN_LIKE),
      // An attempt that nobody can say was allowed or denied has failed.
      outcome: outcome === 'allowed' || outcome === 'denied' ? outcome : 'failed',
      reason: reasonOf(memberOf(event, 'reason')),
      requestId: textOf('requestId', memberOf(event, 'requestId'), SECRET_LIKE),
      duration: (typeof duration === 'number' && count(duration * 1000, Number.MAX_SAFE_INTEGER)) || 0,
    };
    if (object !== undefined) redacted.object = object;
    else if (typeof name === 'string' && name !== '') return { event: redacted, toHash: name };
    return { event: redacted };
  };
}

/** The events with the hashes of names in their places. */
export function withHashes(
  redacted: readonly Redacted[],
  { nameKey, hashNames }: Pick<RedactionOptions, 'nameKey' | 'hashNames'>,
): RedactedEvent[] {
  const names = redacted.flatMap(({ toHash }) => toHash ?? []);
  const hashes = hashNames?.(names) ?? [];
  let at = 0;
  return redacted.map(({ event, toHash }) => {
    if (toHash === undefined) return event;
    event.object = { hash: hashes[at++] ?? nameHash(nameKey, toHash) };
    return event;
  });
}

/** A name as an entry has it in clear. */
export function clearName(name: string): string {
  return textOf('object', name, TOKEN_LIKE);
}

/** The hash by which an entry names an object: for whoever looks for one that they know. 16 bytes. */
export function nameHash(nameKey: KeyObject, name: string): Buffer {
  return deriveBytes(nameKey, 'audit object', Buffer.from(name, 'utf8')).subarray(0, AUDIT_HASH_LENGTH);
}
