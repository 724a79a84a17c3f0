import { parseStoreKey, SecureStoreError } from '@securestore/core-format';
import type { StoreKey } from '@securestore/core-format';
import type { CallOptions } from '@securestore/objects';
import { callSignal, checkOptions, inCall } from '@securestore/objects/surface';
import { withDates } from '@securestore/protocol';
import type { Outgoing } from './outgoing.ts';
import type { Ask, Transport } from './transport.ts';

type Request = Omit<Ask, 'body' | 'readOnly'> & { readonly readOnly?: boolean };

/** A request with what it brings. */
function askOf({ readOnly = false, headers = {}, ...request }: Request, outgoing: Outgoing | undefined): Ask {
  const type = outgoing?.type === undefined ? {} : { 'content-type': outgoing.type };
  const body = outgoing === undefined ? {} : { body: outgoing.body };
  return { ...request, ...body, readOnly, headers: { ...headers, ...type } };
}

/** The calls of a store that is served elsewhere: their errors say what those of one that is here do. */
export class Calls {
  readonly #transport: Transport;
  #closed = false;
  #running = 0;
  /** Called when the last call has ended. */
  #idle: (() => void) | undefined;

  constructor(transport: Transport) {
    this.#transport = transport;
  }

  /** @throws SecureStoreError `UNAVAILABLE` if the store has been closed */
  checkOpen(): void {
    if (!this.#closed) return;
    throw new SecureStoreError('UNAVAILABLE', 'the store is closed', { retryable: false });
  }

  /** A call of many steps. */
  async ofManySteps<T>(body: () => Promise<T>): Promise<T> {
    this.#running += 1;
    try {
      return await body();
    } finally {
      this.#running -= 1;
      if (this.#running === 0) this.#idle?.();
    }
  }

  /** A call about one object. @param inner whether it is part of a call that has asked already whether the store is open */
  aboutObject<T>(
    operation: string,
    key: unknown,
    options: CallOptions | undefined,
    known: ReadonlySet<string>,
    body: (name: StoreKey, signal: AbortSignal | undefined) => Promise<T>,
    inner = false,
  ): Promise<T> {
    let signal: AbortSignal | undefined;
    const run = async (): Promise<T> => {
      if (!inner) this.checkOpen();
      const name = parseStoreKey(key);
      checkOptions(options, known);
      signal = callSignal(options);
      return body(name, signal);
    };
    return this.ofManySteps(() => inCall(operation, key, () => signal, run));
  }

  /** The signal of a listing whose arguments are right. */
  listing(operation: string, options: CallOptions | undefined, check: () => void): Promise<AbortSignal | undefined> {
    return inCall(
      operation,
      undefined,
      () => options?.signal,
      async () => {
        this.checkOpen();
        check();
        return callSignal(options);
      },
    );
  }

  /** A step of a listing. @param waitedFor whether closing waits for all of it */
  step<T>(operation: string, path: string, signal: AbortSignal | undefined, waitedFor = false): Promise<T> {
    return inCall(
      operation,
      undefined,
      () => signal,
      async () => {
        if (!waitedFor) this.checkOpen();
        return this.get<T>(path, signal);
      },
    );
  }

  /** What is under a path. @throws SecureStoreError what the server says */
  get<T>(path: string, signal: AbortSignal | undefined): Promise<T> {
    return this.send<T>({ method: 'GET', path, signal, readOnly: true });
  }

  /** Sends a request, and gives what is answered. @throws SecureStoreError what the server says; what the source of the data fails with */
  async send<T>(request: Request, outgoing?: Outgoing, times?: ReadonlySet<string>): Promise<T> {
    const ask = askOf(request, outgoing);
    try {
      const answer = await this.#transport.ask(ask);
      return withDates(await this.#transport.json(answer, ask), times) as T;
    } catch (error) {
      // Where the data could not be read nothing was stored: the server has not got all of them.
      throw outgoing?.failure?.() ?? error;
    } finally {
      await outgoing?.close?.();
    }
  }

  /** What a request is answered with, as it comes. @throws SecureStoreError what the server says */
  async open(request: Request, type: string, outgoing?: Outgoing): Promise<AsyncIterable<Uint8Array>> {
    const ask = askOf(request, outgoing);
    const answer = await this.#transport.ask({ ...ask, headers: { ...ask.headers, accept: type } });
    if (answer.headers['content-type'] !== type) {
      await this.#transport.json(answer, ask);
      throw new SecureStoreError('UNAVAILABLE', `the server at ${this.#transport.origin} is not a securestore server`);
    }
    return this.#read(answer.body as AsyncIterable<Uint8Array>, ask);
  }

  async *#read(body: AsyncIterable<Uint8Array>, { readOnly, signal }: Ask): AsyncGenerator<Uint8Array> {
    try {
      yield* body;
    } catch (error) {
      throw this.#transport.failure(error, readOnly, signal);
    }
  }

  /** A call about the store. @param known its options, beside `signal` and `timeout` */
  administer<T>(
    operation: string,
    options: CallOptions | undefined,
    known: ReadonlySet<string>,
    body: (signal: AbortSignal | undefined) => Promise<T>,
  ): Promise<T> {
    let signal: AbortSignal | undefined;
    const run = async (): Promise<T> => {
      this.checkOpen();
      checkOptions(options, known);
      signal = callSignal(options);
      return body(signal);
    };
    return this.ofManySteps(() => inCall(operation, undefined, () => signal, run));
  }

  /** As {@link send}, with the entity tag of the answer. */
  async sendTagged<T>(request: Request): Promise<{ readonly value: T; readonly tag: string }> {
    const answer = await this.#transport.ask({ readOnly: false, ...request });
    const value = (await this.#transport.json(answer, { readOnly: true, signal: request.signal })) as T;
    return { value, tag: String(answer.headers['etag'] ?? '') };
  }

  /** Data that are read when they are asked for, whose errors say what they are about. */
  during(
    pieces: AsyncGenerator<Uint8Array<ArrayBuffer>>,
    operation: string,
    key: StoreKey,
    signal: AbortSignal | undefined,
  ): ReadableStream<Uint8Array<ArrayBuffer>> {
    return new ReadableStream<Uint8Array<ArrayBuffer>>(
      {
        async pull(controller) {
          const step = await inCall(
            operation,
            key,
            () => signal,
            () => pieces.next(),
          );
          if (step.done === true) controller.close();
          else controller.enqueue(step.value);
        },
        cancel() {
          // Not awaited: what is under way may take its time, and nothing comes of it any more.
          pieces.return(undefined).catch(() => undefined);
        },
      },
      { highWaterMark: 0 },
    );
  }

  /** From now on no call begins; resolves when those under way have ended. */
  async close(): Promise<void> {
    this.#closed = true;
    if (this.#running > 0) await new Promise<void>((resolve) => (this.#idle = resolve));
    await this.#transport.close();
  }
}
