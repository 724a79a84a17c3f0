import type { Logger } from 'securestore';
import type { Call } from '../call/call.ts';
import { loggerFor } from '../store/open.ts';
import { formatTime, jsonLine, printable } from '../terminal/terminal-text.ts';

type LoggedCall = Call<{ readonly logRequests?: boolean }>;

/**
 * Says what happens to a server as it runs, with `--json` too, and with `--log-requests` each request.
 *
 * @param worker the number of the worker that this process is, once it is known
 */
export function serveLogger(call: LoggedCall, worker: () => number | undefined = () => undefined): Logger {
  const { cli, options, out } = call;
  const said = loggerFor(call);
  const request = requestsOf(call, worker);
  const asJson = (level: string, fields: object, message: string): void =>
    void cli.stderr.write(`${jsonLine({ time: cli.now(), level, message, ...of(worker()), ...fields })}\n`);
  return {
    debug: () => {},
    info: (fields, message) => {
      if ('method' in fields) return options.logRequests === true ? request(fields, message) : undefined;
      if (out.json) return asJson('info', fields, message);
      out.note(printable(message));
    },
    warn: (fields, message) => (out.json ? asJson('warn', fields, message) : said.warn(fields, message)),
    error: (fields, message) => (out.json ? asJson('error', fields, message) : said.error(fields, message)),
  };
}

function of(worker: number | undefined): { readonly worker?: number } {
  return worker === undefined ? {} : { worker };
}

/** Reports each request as a line. */
function requestsOf({ cli, out }: LoggedCall, worker: () => number | undefined): Logger['info'] {
  return (fields) => {
    const { requestId, method, route = '-', status, took, principal = '-' } = fields as Record<string, unknown>;
    const time = cli.now();
    const line = (): string =>
      `${formatTime(time)} ${String(status)} ${String(method)} ${String(route)} ${String(took)} ms ${String(principal)} ${String(requestId)}${worker() === undefined ? '' : ` worker ${worker()}`}`;
    void out.result({ time, ...of(worker()), ...fields }, line);
  };
}
