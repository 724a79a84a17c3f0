import type { Service } from '../service/service.ts';
import { mongodb } from '../servers/mongodb.ts';
import { azure } from '../servers/azure.ts';
import { gcs } from '../servers/gcs.ts';
import { postgres } from '../servers/postgres.ts';
import { ceph } from '../servers/ceph.ts';
import { moto } from '../servers/moto.ts';
import { redis } from '../servers/redis.ts';
import { registry } from '../servers/registry.ts';

/** Every server that the tests of backends need. */
export const SERVICES: readonly Service[] = [redis, postgres, mongodb, azure, gcs, moto, ceph];

/** With those that something else needs. */
const KNOWN: readonly Service[] = [...SERVICES, registry];

export function serviceNamed(name: string | undefined): Service {
  const service = KNOWN.find((candidate) => candidate.name === name);
  if (service === undefined) {
    throw new Error(`there is no server "${name ?? ''}"; known are ${KNOWN.map((known) => known.name).join(', ')}`);
  }
  return service;
}
