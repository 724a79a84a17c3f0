import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { announce } from '../service/announce.ts';
import type { Answer, Order } from './keeper.ts';
import type { Service } from '../service/service.ts';

const KEEPER: string = fileURLToPath(new URL('keeper.ts', import.meta.url));

export interface ServerSettings {
  /** Whether what it acknowledged must outlive {@link Server.kill}. Default no. */
  readonly durable?: boolean;
  /** More arguments for the server. */
  readonly args?: readonly string[];
}

/** A server of this test run, on this machine. */
export interface Server {
  /** The store URL of a backend on it; the same after it was killed and started again. */
  readonly url: string;
  readonly pid: number;
  /** Ends it in an instant, as by a crash. */
  kill(): Promise<void>;
  /** Starts it again, on what it left. */
  restart(): Promise<void>;
  /** Ends it and removes its files. */
  stop(): Promise<void>;
}

/**
 * Starts a server on a free port of the loopback and waits until it answers. It ends with this process at the latest.
 *
 * @throws Error where it can't be started, with what it said
 */
export async function startServer(
  service: Service,
  { durable = false, args = [] }: ServerSettings = {},
): Promise<Server> {
  // Detached, so that an interrupt of the terminal reaches this process alone, which then decides.
  const keeper = fork(KEEPER, [service.name, durable ? 'durable' : 'passing', ...args], {
    execArgv: ['--no-warnings'],
    detached: true,
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  });
  const stop = async (): Promise<void> => {
    if (keeper.exitCode !== null || keeper.signalCode !== null) return;
    const gone = once(keeper, 'exit');
    if (keeper.connected) keeper.disconnect();
    await gone;
  };
  try {
    const { url, pid } = await announce(`starting ${service.name}`, started(keeper, service));
    return {
      url,
      pid,
      kill: async () => void (await ask(keeper, 'kill')),
      restart: async () => void (await started(keeper, service)),
      stop,
    };
  } catch (error) {
    await stop();
    throw error;
  }
}

async function started(keeper: ChildProcess, service: Service): Promise<{ url: string; pid: number }> {
  const answer = await ask(keeper, 'start');
  if (answer !== 'killed' && 'url' in answer) return answer;
  throw new Error(`${service.name} can't be started: ${answer === 'killed' ? 'it was killed' : answer.failed}`);
}

async function ask(keeper: ChildProcess, order: Order): Promise<Answer> {
  const gone = new AbortController();
  const ended = once(keeper, 'exit', { signal: gone.signal }).then((): Answer => ({ failed: 'its keeper ended' }));
  ended.catch(() => undefined);
  const answered = once(keeper, 'message', { signal: gone.signal }).then(([answer]): Answer => answer as Answer);
  answered.catch(() => undefined);
  keeper.send(order);
  try {
    return await Promise.race([answered, ended]);
  } finally {
    gone.abort();
  }
}
