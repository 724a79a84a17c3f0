import { availableParallelism } from 'node:os';
import process from 'node:process';
import { SecureStoreError, systemCodeOf } from '@securestore/core-format';
import type { RunningServer, ServerOptions, WorkerOptions } from '@securestore/server';
import type { Authenticator, JwtOptions } from 'securestore';
import type { Call, ExitCode } from '../call/call.ts';
import { refuse, withHints } from '../errors/refuse.ts';
import { nonEmpty, SECRET_VARIABLES } from '../secret/secret.ts';
import { type KeptSecret, unlockByServer } from '../secret/kept-secret.ts';
import { type Given, openAsWorker, type ServedStore } from '../store/open.ts';
import { serveLogger } from './serve-logger.ts';

/** The options of `serve` that matter to its workers. */
interface WorkingOptions {
  readonly workers?: string;
  readonly followTo?: readonly string[];
  readonly logRequests?: boolean;
}

type WorkingCall = Call<WorkingOptions>;

/** The most workers: as many as the library allows. */
const MAX_WORKERS = 64;
/** The most workers that are started unasked: a store with more to do is worth an option. */
const MOST_BY_DEFAULT = 4;
/** Memory that must be available for each worker that is started unasked, in bytes. */
const MEMORY_OF_WORKER = 512 * 1024 * 1024;

/** How many workers there are to be, 1 for none beside this process; and whether a person has said so. */
export interface Workers {
  readonly count: number;
  readonly isGiven: boolean;
}

/** How many workers a call asks for. @throws `INVALID_ARGUMENT` */
export function workersOf({ cli, options }: WorkingCall): Workers {
  const { workers: option } = options;
  const [name, given] =
    option === undefined ? ['$SECURESTORE_WORKERS', nonEmpty(cli.env, 'SECURESTORE_WORKERS')] : ['--workers', option];
  if (given === undefined) return { count: defaultWorkers(), isGiven: false };
  const count = /^[1-9]\d?$/.test(given) ? Number(given) : 0;
  if (count < 1 || count > MAX_WORKERS) refuse(`${name} must be a whole number from 1 to ${MAX_WORKERS}`);
  return { count, isGiven: true };
}

/** As many as processors, at most four, and as memory has room for. */
function defaultWorkers(): number {
  const byMemory = Math.floor(process.availableMemory() / MEMORY_OF_WORKER);
  return Math.max(1, Math.min(availableParallelism(), MOST_BY_DEFAULT, byMemory));
}

/** Settings of a worker beside the arguments of the command. */
interface WorkerSettings {
  readonly given: Given;
  readonly unlock: Pick<KeptSecret, 'type' | 'hasShares'>;
  /** With URLs as texts. */
  readonly issuers: readonly object[];
}

/** Settings of a server that starts. */
interface Start {
  readonly settings: ServerOptions;
  readonly workers: Workers;
  readonly issuers: readonly JwtOptions[];
}

/** Starts the server, with workers if they are wanted and the backend allows them. */
export async function startServer(call: WorkingCall, served: ServedStore, start: Start): Promise<RunningServer> {
  try {
    return await startWith(call, served, start);
  } catch (error) {
    const isTaken = SecureStoreError.is(error, 'UNAVAILABLE') && systemCodeOf(error.cause) === 'EADDRINUSE';
    throw isTaken ? withHints(error, { text: 'give another port by --port, or --port 0 for any free one' }) : error;
  }
}

async function startWith(call: WorkingCall, served: ServedStore, start: Start): Promise<RunningServer> {
  const { allowsWorkers, serve } = await import('@securestore/server');
  const { store, secret } = served;
  const { settings, workers } = start;
  if (secret === undefined || workers.count === 1) return serve(store, settings);
  if (!workers.isGiven && !allowsWorkers(store)) {
    call.out.note('one process serves the store: its backend allows no other one');
    return serve(store, settings);
  }
  const options = { ...settings, workers: workerOptions(call, served, secret, start) };
  try {
    return await serve(store, options);
  } catch (error) {
    if (workers.isGiven || !SecureStoreError.is(error, 'UNAVAILABLE') || error.option !== 'workers') throw error;
    call.out.warning(`one process serves the store: ${error.message}`);
    return serve(store, settings);
  }
}

function workerOptions(
  { cli, args }: WorkingCall,
  { given }: ServedStore,
  secret: KeptSecret,
  { workers: { count }, issuers }: Start,
): WorkerOptions {
  const settings: WorkerSettings = {
    given,
    unlock: { type: secret.type, hasShares: secret.hasShares },
    issuers: issuers.map((issuer) => ({
      ...issuer,
      keys: issuer.keys instanceof URL ? issuer.keys.href : issuer.keys,
    })),
  };
  const env = Object.fromEntries(Object.entries(cli.env).filter(([name]) => !SECRETS.has(name)));
  return { count, module: MODULE, args, env, settings, secrets: (name) => secret.read(name) };
}

/** Workers get the unlock secret by a pipe. */
const SECRETS: ReadonlySet<string> = new Set(SECRET_VARIABLES);

/** The module of workers: beside the bundled command, or among its sources. */
const MODULE = new URL(import.meta.url.endsWith('.ts') ? '../worker.ts' : 'worker.js', import.meta.url);

function issuersIn({ issuers }: WorkerSettings): JwtOptions[] {
  return issuers.map((issuer) => {
    const { keys } = issuer as { readonly keys: unknown };
    return { ...issuer, keys: typeof keys === 'string' ? new URL(keys) : keys } as JwtOptions;
  });
}

/** Serves the store as a worker of another process of this command. */
export async function workFor(
  call: WorkingCall,
  authenticatorsOf: (issuers: readonly JwtOptions[]) => Promise<Authenticator[]>,
): Promise<ExitCode> {
  const { serveAsWorker } = await import('@securestore/server');
  const worker: { number?: number } = {};
  const logger = serveLogger(call, () => worker.number);
  await serveAsWorker(
    async ({ number, fingerprint, settings, secret }) => {
      worker.number = number;
      const known = settings as WorkerSettings;
      const method = unlockByServer(known.unlock, secret);
      const { followTo = [] } = call.options;
      const authenticators = await authenticatorsOf(issuersIn(known));
      return openAsWorker(
        call,
        known.given,
        { method, fingerprint },
        { authenticators, maintenance: false, logger, followTo },
      );
    },
    { logger },
  );
}
