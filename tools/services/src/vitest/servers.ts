import type { ProvidedContext } from 'vitest';
import type { TestProject } from 'vitest/node';
import { LONG } from '../../../campaigns/src/size.ts';
import { type Browser, provideChromium } from '../provide/chromium.ts';
import { SERVED_PLACES } from '../provide/places.ts';
import { type Provided, provideServer } from '../provide/provide.ts';
import { azure } from '../servers/azure.ts';
import { ceph } from '../servers/ceph.ts';
import { gcs } from '../servers/gcs.ts';
import { mongodb } from '../servers/mongodb.ts';
import { moto } from '../servers/moto.ts';
import { postgres } from '../servers/postgres.ts';
import { redis } from '../servers/redis.ts';
import type { Service } from '../service/service.ts';

declare module 'vitest' {
  interface ProvidedContext {
    redis: Provided;
    postgres: Provided;
    mongodb: Provided;
    azure: Provided;
    gcs: Provided;
    s3: Provided;
    ceph: Provided;
    chromium: Browser;
  }
}

const UNWANTED = 'none of its tests was chosen';
const { env } = process;

/** Why tests of S3 have no Ceph. It differs from moto, so they use both, unless the caller names one of them. */
const noCeph =
  (!LONG && 'only npm run test:all') ||
  (env[moto.variable] && !env[ceph.variable] && `${moto.variable} is set, and ${ceph.variable} is not`);

const SERVERS: Readonly<Record<Exclude<keyof ProvidedContext, 'chromium'>, Service>> = {
  redis,
  postgres,
  mongodb,
  azure,
  gcs,
  s3: moto,
  ceph,
};

/** The paths of the tests that `inject` each. */
const TESTS: Readonly<Record<keyof ProvidedContext, RegExp>> = {
  redis: /\/(?:backend-redis|services)\/test\//,
  postgres: /\/backend-postgres\/test\//,
  mongodb: /\/backend-mongodb\/test\//,
  azure: /\/backend-azure\/test\//,
  gcs: /\/backend-gcs\/test\//,
  s3: /\/backend-s3\/test\//,
  ceph: /\/backend-s3\/test\//,
  chromium: /\/console\/test\//,
};

/** Tests that `inject` the server of every {@link SERVED_PLACES}; the name of each test says why it is skipped. */
const TESTS_OF_ALL = /\/server\/test\/workers\/servers\.long\.test\.ts$/;

function isNeeded(name: keyof ProvidedContext, file: string): boolean {
  return TESTS[name].test(file) || (TESTS_OF_ALL.test(file) && SERVED_PLACES.some((place) => place.name === name));
}

/** Why the tests of a file have no server or browser, if they have none. */
export function missingFor(file: string, provided: Readonly<Partial<ProvidedContext>>): string | undefined {
  for (const [name, tests] of Object.entries(TESTS)) {
    const given = provided[name as keyof ProvidedContext];
    if (given !== undefined && 'skip' in given && tests.test(file)) return given.skip;
  }
  return undefined;
}

/** A global setup of Vitest that runs, as long as the tests, the servers that the chosen ones `inject`. */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const files = project.vitest.state.getPaths();
  const isWanted = (name: keyof ProvidedContext): boolean => files.some((file) => isNeeded(name, file));
  const stops: (() => Promise<void>)[] = [];
  const stopAll = async (): Promise<void> => void (await Promise.all(stops.map(async (stop) => stop())));

  const starting = (Object.keys(SERVERS) as (keyof typeof SERVERS)[]).map(async (name) => {
    const skip = (name === 'ceph' && noCeph) || (!isWanted(name) && UNWANTED);
    if (skip) return project.provide(name, { skip });
    const { provided, stop } = await provideServer(SERVERS[name]);
    stops.push(stop);
    project.provide(name, provided);
  });
  const browsing = isWanted('chromium') ? provideChromium() : { skip: UNWANTED };
  const results = await Promise.allSettled([...starting, browsing]);
  const failures = results.flatMap((result) => (result.status === 'rejected' ? [result.reason as unknown] : []));
  if (failures.length > 0) {
    await stopAll();
    throw failures.length === 1 ? failures[0] : new AggregateError(failures, failures.map(String).join('\n'));
  }
  project.provide('chromium', await browsing);
  return stopAll;
}
