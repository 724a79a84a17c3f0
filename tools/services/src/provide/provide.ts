import { ensureInstalled } from './install.ts';
import { type Server, startServer } from './server.ts';
import type { Service } from '../service/service.ts';

/** What tests get: where the server is, or why there is none. */
export type Provided =
  | {
      readonly url: string;
      /** Whether it was started here, so that tests may start more of it. */
      readonly own: boolean;
      /** See {@link Service.lacks}. */
      readonly lacks?: string;
    }
  | { readonly skip: string };

/** What decides about servers, read from the environment. */
export interface Surroundings {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly root: boolean;
  readonly log: (line: string) => void;
  readonly install: typeof ensureInstalled;
  readonly start: (service: Service) => Promise<Server>;
}

const REAL: Surroundings = {
  env: process.env,
  root: process.getuid?.() === 0,
  log: (line) => console.error(line),
  install: ensureInstalled,
  start: startServer,
};

const nothing = async (): Promise<void> => undefined;

/**
 * The server for the tests of one provider: the one that its variable names, or one that is started here. Where there
 * is none, in continuous integration and as root that is an error, and elsewhere its tests are skipped.
 *
 * @returns what the tests get, and how to end what was started
 * @throws Error in continuous integration and as root
 */
export async function provideServer(
  service: Service,
  surroundings: Surroundings = REAL,
): Promise<{ provided: Provided; stop: () => Promise<void> }> {
  const { env, root, log, install, start } = surroundings;
  const given = env[service.variable];
  if (given !== undefined && given !== '') return { provided: { url: given, own: false }, stop: nothing };
  let reason = await install(service, { root, asked: env['SECURESTORE_SERVICES'] === 'install' });
  if (reason === undefined) {
    try {
      const server = await start(service);
      const lacks = service.lacks === undefined ? {} : { lacks: service.lacks };
      return { provided: { url: server.url, own: true, ...lacks }, stop: async () => server.stop() };
    } catch (error) {
      reason = error instanceof Error ? error.message : String(error);
    }
  }
  if (root || env['CI'] === 'true') throw new Error(`the tests of ${service.name} have no server: ${reason}`);
  log(`services: the tests of ${service.name} are skipped: ${reason}`);
  return { provided: { skip: reason }, stop: nothing };
}
