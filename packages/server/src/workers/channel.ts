import type { SendHandle } from 'node:child_process';
import { asStoreError } from '../request/failures.ts';
import { SecureStoreError } from '@securestore/core-format';
import type { ErrorCode } from '@securestore/core-format';

/** Carries the messages: a child process, or the own process of a worker. */
export interface Port {
  send(message: object, handle: SendHandle | undefined, sent: (error: Error | null) => void): unknown;
  on(event: 'message', listener: (message: unknown, handle: unknown) => void): unknown;
}

/** A failure as it travels. */
interface Failure {
  readonly code: ErrorCode;
  readonly message: string;
}

type Message =
  | { readonly type: 'tell'; readonly name: string; readonly value: unknown }
  | { readonly type: 'ask'; readonly id: number; readonly name: string; readonly value: unknown }
  | { readonly type: 'answer'; readonly id: number; readonly value: unknown }
  | { readonly type: 'failure'; readonly id: number; readonly error: Failure };

interface Waiting {
  readonly resolve: (value: unknown) => void;
  readonly reject: (error: SecureStoreError) => void;
}

export type Listener = (value: never, handle: unknown) => void;
export type Answerer = (value: never) => unknown;

/** Messages between the process of a server and one of its workers, some of which are questions with an answer. */
export class Channel {
  readonly #port: Port;
  readonly #listeners: Readonly<Record<string, Listener>>;
  readonly #answerers: Readonly<Record<string, Answerer>>;
  readonly #waiting = new Map<number, Waiting>();
  #last = 0;
  #isClosed = false;

  /** @param listeners of messages without an answer @param answerers of questions */
  constructor(
    port: Port,
    listeners: Readonly<Record<string, Listener>>,
    answerers: Readonly<Record<string, Answerer>>,
  ) {
    this.#port = port;
    this.#listeners = listeners;
    this.#answerers = answerers;
    port.on('message', (message, handle) => this.#receive(message as Message, handle));
  }

  /** Tells the other side something, with a connection if one goes along. A message that cannot be sent was for a process that has ended. */
  tell(name: string, value: unknown = null, handle?: SendHandle): void {
    this.#send({ type: 'tell', name, value }, handle);
  }

  /** Asks the other side. @throws SecureStoreError what it throws; `UNAVAILABLE` if it has ended */
  ask<T>(name: string, value: unknown = null): Promise<T> {
    const id = ++this.#last;
    const { promise, resolve, reject } = Promise.withResolvers<unknown>();
    if (this.#isClosed) reject(ended());
    else this.#waiting.set(id, { resolve, reject });
    if (!this.#isClosed) this.#send({ type: 'ask', id, name, value });
    return promise as Promise<T>;
  }

  #send(message: Message, handle?: SendHandle): void {
    if (this.#isClosed) return;
    // The end of the channel shows that a process has ended.
    this.#port.send(message, handle, () => undefined);
  }

  #receive(message: Message, handle: unknown): void {
    if (message.type === 'tell') this.#listeners[message.name]?.(message.value as never, handle);
    else if (message.type === 'ask') void this.#answer(message);
    else this.#settle(message);
  }

  async #answer({ id, name, value }: Extract<Message, { readonly type: 'ask' }>): Promise<void> {
    try {
      const answer = (await this.#answerers[name]?.(value as never)) ?? null;
      this.#send({ type: 'answer', id, value: answer });
    } catch (error) {
      const { code, message } = knownError(error);
      this.#send({ type: 'failure', id, error: { code, message } });
    }
  }

  #settle(message: Extract<Message, { readonly type: 'answer' | 'failure' }>): void {
    const waiting = this.#waiting.get(message.id);
    this.#waiting.delete(message.id);
    if (message.type === 'answer') waiting?.resolve(message.value);
    else waiting?.reject(new SecureStoreError(message.error.code, message.error.message));
  }

  /** The other side has ended: what was asked has no answer. */
  close(): void {
    this.#isClosed = true;
    for (const { reject } of this.#waiting.values()) reject(ended());
    this.#waiting.clear();
  }
}

function ended(): SecureStoreError {
  return new SecureStoreError('UNAVAILABLE', 'a process of the server has ended', {
    retryable: true,
    outcome: 'unknown',
    advice: [{ id: 'try-again' }],
  });
}

/** The code and message of an error; the message of a defect is left out. */
export function knownError(error: unknown): { readonly code: ErrorCode; readonly message: string } {
  const known = asStoreError(error);
  if (SecureStoreError.is(known)) return { code: known.code, message: known.message };
  return { code: 'INTERNAL', message: 'a defect' };
}
