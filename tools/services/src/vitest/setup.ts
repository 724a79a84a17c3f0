import type { ProvidedContext } from 'vitest';
import type { TestProject } from 'vitest/node';
import { type Provided, provideServer } from '../provide.ts';
import type { Service } from '../service.ts';

declare module 'vitest' {
  interface ProvidedContext {
    redis: Provided;
    postgres: Provided;
    mongodb: Provided;
    azure: Provided;
    gcs: Provided;
    s3: Provided;
    ceph: Provided;
  }
}

/** A global setup of Vitest that runs a server for as long as the tests of a project, which `inject` its name. */
export function serverSetup(
  service: Service,
  name: keyof ProvidedContext,
): (project: TestProject) => Promise<() => Promise<void>> {
  return async (project) => {
    const { provided, stop } = await provideServer(service);
    project.provide(name, provided);
    return stop;
  };
}
