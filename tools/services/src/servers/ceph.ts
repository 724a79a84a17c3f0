import { globSync, readFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { freePort } from '../service/ports.ts';
import type { Service } from '../service/service.ts';

const SCRIPT: URL = new URL('serve-ceph.sh', import.meta.url);

/** What would write lines for each request. */
const QUIET: readonly string[] = ['mon', 'ms', 'objclass', 'osd', 'paxos', 'rgw', 'rocksdb'];

/** The gateway of Ceph, an S3 that is used in production, with all of its data in memory. */
export const ceph: Service = {
  name: 'ceph',
  variable: 'SECURESTORE_TEST_CEPH_URL',
  programs: ['sh', 'ceph', 'ceph-mon', 'ceph-osd', 'monmaptool', 'radosgw', 'radosgw-admin'],
  folders: [],
  debianPackages: ['ceph-common', 'ceph-mon', 'ceph-osd', 'radosgw'],
  // Every user of this machine may tell its daemons what to do, so root must not be theirs.
  user: 'ceph',
  stopSignal: 'SIGTERM',
  async prepare({ folder, port }) {
    const settings = {
      fsid: randomUUID(),
      mon_host: `v2:127.0.0.1:${await freePort()}`,
      public_addr: '127.0.0.1',
      cluster_addr: '127.0.0.1',
      // Only who is on this machine reaches the daemons; users of the gateway still need their keys.
      auth_cluster_required: 'none',
      auth_service_required: 'none',
      auth_client_required: 'none',
      ms_mon_client_mode: 'crc',
      ms_mon_service_mode: 'crc',
      ms_mon_cluster_mode: 'crc',
      run_dir: folder,
      admin_socket: '',
      log_file: '/dev/null',
      log_to_stderr: 'true',
      ...Object.fromEntries(QUIET.map((part) => [`debug_${part}`, '0/0'])),
      mon_data: join(folder, 'mon'),
      mon_allow_pool_size_one: 'true',
      osd_data: join(folder, 'osd'),
      osd_objectstore: 'memstore',
      osd_class_dir: globSync('/usr/lib/*/rados-classes')[0] ?? '/usr/lib/rados-classes',
      osd_crush_chooseleaf_type: '0',
      osd_pool_default_size: '1',
      osd_pool_default_min_size: '1',
      osd_pool_default_pg_num: '8',
      // Else head and body of an answer are 40 ms apart.
      rgw_frontends: `beast endpoint=127.0.0.1:${port} tcp_nodelay=1`,
    };
    const lines = Object.entries(settings).map(([name, value]) => `${name} = ${value}`);
    await writeFile(join(folder, 'ceph.conf'), `[global]\n${lines.join('\n')}\n`);
  },
  // As text: the checkout may be in a folder that only root may enter.
  command: ({ folder, password, program }) => [
    program('sh'),
    '-c',
    readFileSync(SCRIPT, 'utf8'),
    'serve-ceph.sh',
    folder,
    'test',
    password,
  ],
  async answers({ port }) {
    try {
      return (await fetch(`http://127.0.0.1:${port}/`)).ok;
    } catch {
      return false;
    }
  },
  // The bucket is for the tests to make, and the credentials for them to take out of it.
  url({ port, password }) {
    const query = new URLSearchParams({ endpoint: `http://127.0.0.1:${port}` });
    return `s3://test:${password}@securestore?${String(query)}`;
  },
};
