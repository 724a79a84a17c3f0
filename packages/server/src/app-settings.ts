import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { Clock } from '@securestore/jobs';
import type { Logger, SecureStore } from 'securestore';
import type { Guesses } from './caller/guesses.ts';
import type { ConsoleFiles } from './console/console-files.ts';
import type { Oidc } from './console/oidc.ts';
import type { OwnOrigin } from './console/own-origin.ts';
import type { Route } from './exchange/route.ts';
import type { Counts } from './limits/counts.ts';
import type { ServerLimits } from './limits/limits.ts';

/** Settings of one process of a server. */
export interface AppSettings {
  readonly store: SecureStore;
  readonly limits: ServerLimits;
  readonly clock: Clock;
  readonly logger?: Logger | undefined;
  /** The pages of the console if they are served, and other ways to sign in there than by a token. */
  readonly console?: { readonly files: ConsoleFiles; readonly oidc: Oidc | undefined } | undefined;
  /** The origin of this server for browsers. */
  readonly origin: OwnOrigin;
  /** The address of the sender of a request, for callers without credentials. */
  readonly addressOf: (request: IncomingMessage) => string;
  /** Connections of one address at once; 0 for any number, as behind a proxy. */
  readonly connectionsPerAddress: number;
  /** The routes that this process answers. */
  readonly routes: readonly Route[];
  readonly counts: Counts;
  readonly guesses: Guesses;
  /** The other processes of the server, if it has any. */
  readonly others?: OtherProcesses | undefined;
  /** The connections of a server that listens nowhere. */
  readonly connections?: HandedConnections | undefined;
  /** The port of the server. */
  readonly port: () => number;
  /** Makes the server of Node. */
  readonly serverFactory: (handler: (request: IncomingMessage, response: ServerResponse) => void) => Server;
}

/** The other processes of a server, which serve what callers ask of objects. */
export interface OtherProcesses {
  /** Requests that they have not answered yet. */
  readonly running: number;
  /** Has them look at a change of the store. */
  refresh(): Promise<void>;
  /** Has them tell what they have counted. */
  report(): Promise<void>;
}

/** Connections that the server of Node did not accept itself. */
export interface HandedConnections {
  /** Waits for the requests that have begun. */
  drain(): Promise<void>;
  /** Ends all of them. */
  end(): void;
}
