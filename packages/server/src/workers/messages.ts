import type { Place } from '../limits/counts.ts';
import type { ServerLimits } from '../limits/limits.ts';
import type { FiguresRecord } from '../limits/request-figures.ts';
import type { SecureStore } from 'securestore';

/** The first message to a worker. */
export interface WorkerStart {
  /** From 1. A worker that takes the place of another one has its number. */
  readonly number: number;
  readonly workers: number;
  /** Of the store: a worker opens no other one. */
  readonly fingerprint: string;
  readonly limits: ServerLimits;
  readonly isTls: boolean;
  readonly behindProxy: boolean;
  readonly consoleOrigin: string | undefined;
  /** The socket at which the process of the server answers forwarded requests. */
  readonly socketPath: string;
  /** Proves to that process that a worker asks. */
  readonly key: string;
  readonly settings: unknown;
}

/** Figures of a worker since its last message of them. */
export interface WorkerFigures {
  /** Requests that are not answered yet. */
  readonly running: number;
  readonly requests: FiguresRecord;
  readonly backend: ReturnType<SecureStore['metrics']['drain']>;
}

/** Why a worker could not begin, or ended. */
export interface WorkerFailure {
  readonly code: string;
  readonly message: string;
}

export interface PlacesAsked {
  readonly place: Place;
  readonly name: string;
  readonly count: number;
}

export interface RequestsAsked {
  readonly name: string;
  readonly count: number;
}

export interface GuessAsked {
  readonly address: string;
  readonly name: string;
}

/** The descriptor of the pipe for secrets in a worker. */
export const SECRETS_FD = 4;

/** Names of TLS material among the secrets; those of the caller have another form. */
export const TLS_SECRET = 'securestore tls';
