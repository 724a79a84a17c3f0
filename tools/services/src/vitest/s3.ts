import type { TestProject } from 'vitest/node';
import { LONG } from '../../../campaigns/src/size.ts';
import { ceph } from '../servers/ceph.ts';
import { moto } from '../servers/moto.ts';
import { serverSetup } from './setup.ts';

/** Two kinds of server, since they differ; where the caller names one, it is that one alone. */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const stopMoto = await serverSetup(moto, 's3')(project);
  if (!LONG) {
    project.provide('ceph', { skip: 'only npm run test:all' });
    return stopMoto;
  }
  const { env } = process;
  if (env[moto.variable] && !env[ceph.variable]) {
    project.provide('ceph', { skip: `${moto.variable} is set, and ${ceph.variable} is not` });
    return stopMoto;
  }
  try {
    const stopCeph = await serverSetup(ceph, 'ceph')(project);
    return async () => void (await Promise.all([stopMoto(), stopCeph()]));
  } catch (error) {
    await stopMoto();
    throw error;
  }
}
