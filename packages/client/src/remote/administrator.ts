import { SecureStoreError } from '@securestore/core-format';
import type { CallOptions, Job } from '@securestore/objects';
import { NO_OPTIONS } from '@securestore/objects/surface';
import { encodeQuery } from '@securestore/protocol';
import { ADMINISTRATION_TIMES } from './administration-times.ts';
import type { Calls } from '../transport/calls.ts';
import { outgoingJson } from '../transport/outgoing.ts';
import { remoteJob } from './remote-job.ts';
import type { LongCall } from './remote-job.ts';

/** What a call of the administration sends. */
export interface Request {
  readonly method: 'GET' | 'PUT' | 'POST' | 'DELETE';
  readonly path: string;
  readonly query?: Readonly<Record<string, string | number | undefined>>;
  readonly body?: object;
}

/** A secret as it travels. @throws SecureStoreError `UNSUPPORTED` for what is no passphrase and no key */
export function secretToSend(key: unknown): object {
  if (typeof key === 'string') return { passphrase: key };
  if (key instanceof Uint8Array && key.length === 32) return { key: Buffer.from(key).toString('base64url') };
  throw new SecureStoreError(
    'UNSUPPORTED',
    'an unlock secret sent to a server must be a passphrase or a key of 32 bytes',
  );
}

/** What is given as functions can't be sent. @throws SecureStoreError `UNSUPPORTED` */
export function checkNoFunction(name: string, value: unknown): void {
  if (typeof value !== 'function') return;
  throw new SecureStoreError('UNSUPPORTED', `the option "${name}" is a function, which cannot be sent to a server`, {
    option: name,
  });
}

/** Options as they are sent: without those that say how long somebody waits. */
export function withoutEnds<O extends CallOptions>(options: O | undefined): Omit<O, keyof CallOptions> {
  const { signal: _signal, timeout: _timeout, ...others } = options ?? ({} as O);
  return others;
}

/** Sends the calls of the administration. */
export class Administrator {
  readonly calls: Calls;

  constructor(calls: Calls) {
    this.calls = calls;
  }

  /** @param known the options of the call, beside `signal` and `timeout` */
  call<T>(
    operation: string,
    request: () => Request,
    options?: CallOptions,
    known: ReadonlySet<string> = NO_OPTIONS,
  ): Promise<T> {
    return this.calls.administer(operation, options, known, async (signal) => {
      const { method, path, query = {}, body } = request();
      const readOnly = method === 'GET';
      const ask = { method, path: `${path}${encodeQuery(query)}`, signal, readOnly };
      return this.calls.send<T>(ask, body && outgoingJson(body), ADMINISTRATION_TIMES);
    });
  }

  /** As {@link call}, where nothing is answered but that it was done. */
  async change(
    operation: string,
    request: () => Request,
    options?: CallOptions,
    known?: ReadonlySet<string>,
  ): Promise<void> {
    await this.call(operation, request, options, known);
  }

  /** What a member of an answer has. */
  async list<T>(
    operation: string,
    member: string,
    request: () => Request,
    options?: CallOptions,
    known?: ReadonlySet<string>,
  ): Promise<T[]> {
    const answer = await this.call<Readonly<Record<string, T[]>>>(operation, request, options, known);
    return answer[member] ?? [];
  }

  job<R>(call: LongCall, options?: CallOptions, known: ReadonlySet<string> = NO_OPTIONS): Job<R> {
    return remoteJob<R>(this.calls, call, options, known);
  }
}
