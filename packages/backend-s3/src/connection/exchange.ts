/** What is seen of one request and its answer beneath the SDK. */
export interface Exchange {
  /** Whether it was given to the network. */
  sent: boolean;
  /** The host that it went to. */
  host: string | undefined;
  /** The status of the answer, once there is one. */
  status: number | undefined;
  headers: Readonly<Record<string, string>>;
}

interface HandlerArguments {
  readonly input: object;
  readonly request: unknown;
}

interface HandlerOutput {
  readonly response: unknown;
}

type Handler = (args: HandlerArguments) => Promise<HandlerOutput>;

/** A command of the SDK, as far as it is watched. */
export interface Watched<Input extends object, Output extends object> {
  readonly input: Input;
  // Nothing but its presence makes the command one of these inputs and outputs.
  resolveMiddleware?: (...args: never[]) => (args: never) => Promise<{ output: Output }>;
  readonly middlewareStack: {
    add(middleware: never, options: never): void;
  };
}

/**
 * Watches a command, also through a client of the caller, which is left as it is.
 *
 * @param once - whether it must not be sent again where it may have been done, as a client of the caller may want to
 */
export function watch<Input extends object, Output extends object>(
  command: Watched<Input, Output>,
  signal: AbortSignal,
  once: boolean,
): Exchange {
  const exchange: Exchange = { sent: false, host: undefined, status: undefined, headers: {} };
  let failure: unknown;
  const middleware =
    (next: Handler): Handler =>
    async (args) => {
      signal.throwIfAborted();
      if (once && exchange.sent && !wasRefused(exchange)) throw failure ?? new Error('it is not sent twice');
      exchange.status = undefined;
      exchange.host = (args.request as { hostname?: string }).hostname;
      exchange.sent = true;
      const result = await next(args).catch((error: unknown) => {
        failure = error;
        throw error;
      });
      const { statusCode, headers } = result.response as { statusCode: number; headers: Record<string, string> };
      exchange.status = statusCode;
      exchange.headers = headers;
      return result;
    };
  // Below all that the SDK does itself, so that it sees what goes over the network.
  const place = { step: 'deserialize', priority: 'low', name: 'securestoreExchange' };
  command.middlewareStack.add(middleware as never, place as never);
  return exchange;
}

/** Whether the service answered that it did not do it. */
function wasRefused({ status }: Exchange): boolean {
  return status !== undefined && ((status >= 300 && status < 500) || status === 503);
}
