import { chromium } from '../../services/src/provide/chromium.ts';
import { installAll } from '../../services/src/provide/install-all.ts';
import type { Needed } from '../../services/src/service/service.ts';
import { SERVICES } from '../../services/src/provide/services.ts';
import { ceph } from '../../services/src/servers/ceph.ts';
import { gcs, gcsFor } from '../../services/src/servers/gcs.ts';
import { registry } from '../../services/src/servers/registry.ts';
import type { Size } from '../../campaigns/src/size.ts';
import type { Tally } from './stages.ts';

/** What only the longer runs use: it takes minutes to get. */
const LONG_ONLY: ReadonlySet<Needed> = new Set([ceph, registry]);

/**
 * The servers and the browser of a run, without those that the environment names. This process does not have the size of
 * the run, which the tests get: else they would wait for what they compile themselves.
 */
export function neededBy(size: Size): Needed[] {
  const services = SERVICES.map((service) => (service === gcs ? gcsFor(size) : service));
  const servers = [...services, registry].filter(({ variable }) => !process.env[variable]);
  const browser = process.env['SECURESTORE_TEST_CHROMIUM'] ? [] : [chromium];
  return [...servers, ...browser].filter((needed) => size !== 'short' || !LONG_ONLY.has(needed));
}

/** Installs the servers and the browser of a run; one that is not to be had fails the run where its tests would. */
export async function installServers(size: Size): Promise<Tally> {
  const needed = neededBy(size);
  const root = process.getuid?.() === 0;
  const missing = await installAll(needed, { root, asked: process.env['SECURESTORE_SERVICES'] === 'install' });
  for (const [name, reason] of missing) console.log(`skipped: the tests of ${name}: ${reason}`);
  const isFailure = root || process.env['CI'] === 'true';
  const passed = needed.length - missing.size;
  return { passed, failed: isFailure ? missing.size : 0, skipped: isFailure ? 0 : missing.size };
}
