// Run as a process that may be killed at any instant: records entries, and says on stdout which ones were acknowledged.
import { createPrivateKey, createSecretKey, randomBytes } from 'node:crypto';
import { writeSync } from 'node:fs';
import { json } from 'node:stream/consumers';
import { AuditLog, fileSink } from '../../src/index.ts';
import { signer } from './world.ts';

/** What it is told on stdin, bytes as base64. */
export interface WriterOrder {
  readonly path: string;
  readonly name: string;
  /** How many entries; without it until it is killed. */
  readonly count?: number;
  readonly instanceId: string;
  readonly auditor: string;
  readonly signing: string;
  readonly certificate: { readonly created: number; readonly publicKey: string; readonly signature: string };
}

const order = (await json(process.stdin)) as WriterOrder;
const { path, name, count = Infinity, certificate } = order;
const bytes = (text: string): Buffer => Buffer.from(text, 'base64');

const log = await AuditLog.open({
  mode: 'fail-closed',
  instanceId: bytes(order.instanceId),
  auditor: bytes(order.auditor),
  sign: signer(createPrivateKey({ key: bytes(order.signing), format: 'der', type: 'pkcs8' })),
  certificate: {
    created: certificate.created,
    publicKey: bytes(certificate.publicKey),
    signature: bytes(certificate.signature),
  },
  nameKey: createSecretKey(randomBytes(32)),
  // On a busy machine a write may take its time.
  sinks: [{ sink: fileSink(path), timeout: 60_000 }],
});

let next = 0;
async function work(): Promise<void> {
  while (next < count) {
    const requestId = `${name}-${next++}`;
    await log.record({ action: 'read', outcome: 'allowed', reason: 'x '.repeat(next % 200), requestId });
    writeSync(1, `${requestId}\n`);
  }
}
await Promise.all([work(), work(), work(), work()]);
await log.close();
