import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inject, onTestFinished } from 'vitest';
import { startServer } from '../../../tools/services/src/provide/server.ts';
import { mongodb } from '../../../tools/services/src/servers/mongodb.ts';
import { NO_OPENSSL, selfSigned } from '../../backend-redis/test/support/certificates.ts';
import { describeUnderFaults } from '../../backend-redis/test/support/faults/describe.ts';
import { MongodbBackend } from '../src/index.ts';
import { freshUrl, proxied } from './support/stores.ts';
import { LONG } from '../../../tools/campaigns/src/size.ts';

const server = inject('mongodb');
const skip = 'skip' in server ? server.skip : undefined;
const foreign = 'own' in server && !server.own ? `${mongodb.variable} is set` : undefined;

describeUnderFaults({
  name: 'mongodb',
  skip,
  impatient: { timeout: 400, selectionTimeout: 1500 },
  create: () => new MongodbBackend(),
  place: async (below) => {
    const direct = freshUrl('url' in server ? server.url : '');
    return { direct, proxy: await proxied(direct, below) };
  },
  garbled: {
    skip: skip ?? foreign ?? NO_OPENSSL ?? (LONG ? undefined : 'only npm run test:all'),
    // The driver itself runs out of memory over numbers in a garbled answer, so garbage must meet TLS first.
    place: async (below) => {
      const folder = mkdtempSync(join(tmpdir(), 'securestore-tls-'));
      onTestFinished(() => rmSync(folder, { recursive: true }));
      const { key, file, pem } = selfSigned(folder, statSync(folder));
      const own = await startServer(mongodb, { args: ['--tls-cert-file', file, '--tls-key-file', key] });
      onTestFinished(async () => own.stop());
      const direct = freshUrl(`${own.url}&tls=true`);
      return { direct, proxy: await proxied(direct, below), options: { ca: pem } };
    },
  },
});
