import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { AuditLog, certifyAuditKey } from '@securestore/audit';
import type { AuditLine, Sink } from '@securestore/audit';
import { SqliteBackend } from '@securestore/backend-sqlite';
import {
  auditName,
  decodeAuditBatch,
  decodeAuditHeader,
  encodeAuditBatch,
  parseAuditName,
} from '@securestore/core-format';
import type { AuditLink } from '@securestore/core-format';
import { identityPublicKey, signAs } from '@securestore/crypto';
import { openObjectStore } from '@securestore/objects';
import type { ObjectStore } from '@securestore/objects';
import { describe, expect, test } from 'vitest';
import type { Anchor, AuditReport, SecureStore } from '../src/index.ts';
import { identity, openStore, setRole } from '../src/index.ts';
import { extensionsOf } from '@securestore/objects/internal';
import { audited, auditor, storeUrlOf, memoryAnchor, unlock } from './support/audits.ts';

/** A store that was audited yesterday, and an anchor that remembers it. */
async function yesterday(): Promise<{ url: string; anchor: Anchor }> {
  const [url, anchor] = [storeUrlOf(), memoryAnchor()];
  const store = await audited(url, { anchor, mode: 'fail-closed' });
  await store.store('payroll', 'x');
  await store.retrieve('payroll');
  await store.close();
  return { url, anchor };
}

/** What somebody does who has every key but the auditor's, and never the anchor. */
async function asInsider<T>(url: string, act: (store: ObjectStore, backend: SqliteBackend) => Promise<T>): Promise<T> {
  const backend = new SqliteBackend();
  await backend.init({ url, options: {} });
  const store = await openObjectStore({ backend, url, unlock, maintenance: false });
  try {
    return await act(store, backend);
  } finally {
    await store.close();
  }
}

/** Puts a segment of harmless entries in the place of the newest one, under its id and with a header signed as it should be. */
async function replaceNewest(store: ObjectStore, backend: SqliteBackend, more: number): Promise<AuditLink> {
  const { audit } = extensionsOf(store);
  const names = await Array.fromAsync(audit.names());
  const prefix = parseAuditName(names[0] ?? '')?.prefix ?? '';
  const parts = await Promise.all(
    names.filter((name) => name.startsWith(prefix)).map(async (name) => ({ name, bytes: await audit.read(name) })),
  );
  const batches = parts.map(({ bytes }) => decodeAuditBatch(bytes ?? Buffer.alloc(0)));
  const { header } = decodeAuditHeader(batches[0]?.header?.bytes ?? Buffer.alloc(0));
  for (const { name } of parts) await backend.delete(name);
  const { privateKey } = generateKeyPairSync('ed25519');
  const { instanceId, nameKey } = audit;
  const asStore = (use: string, bytes: Uint8Array): Buffer => audit.sign(use, bytes);
  const lines: AuditLine[] = [];
  const sink: Sink = {
    name: 'forger',
    start: (begin) => void lines.push(begin.header),
    write: async (written) => void lines.push(...written),
    close: async () => undefined,
  };
  const log = await AuditLog.open({
    instanceId,
    nameKey,
    auditor: header.auditor,
    certificate: await certifyAuditKey(asStore, instanceId, identityPublicKey(privateKey), header.started),
    sign: (use, bytes) => signAs(privateKey, use, bytes),
    sinks: [{ sink }],
    previous: header.previous,
    random: (length) => (length === header.segment.length ? Buffer.from(header.segment) : randomBytes(length)),
  });
  const count = batches.reduce((sum, { entries }) => sum + entries.length, 0) + more;
  for (let left = count - 1; left > 0; left--)
    await log.record({ action: 'list', outcome: 'allowed', principal: 'me' });
  await log.close();
  const [begin, ...entries] = lines.map(({ stored }) => stored);
  const name = auditName(prefix, 0);
  await audit.write(name, audit.seal(name, encodeAuditBatch({ header: begin, entries })));
  return log.end;
}

/** Signs a head that says that a segment goes so far. */
async function vouch(store: ObjectStore, end: AuditLink): Promise<void> {
  const { audit, policy } = extensionsOf(store);
  audit.follow(() => ({ ...end, previous: [] }));
  const nothing = Buffer.from('{"version":1,"policy":{"roles":[],"principals":[]},"tokens":[]}');
  await policy.change('vouch', (current) => ({ policy: current ?? nothing }));
}

async function verifyAt(url: string, anchor: Anchor): Promise<AuditReport> {
  const store = await openStore(url, { unlock, maintenance: false, anchor });
  const report = await store.audit.verify({ auditor: identity(auditor) });
  await store.close();
  return report;
}

/** A process that knows of nothing, and whose log and head come after what the insider has done. */
async function honestly(url: string, anchor: Anchor): Promise<void> {
  const store: SecureStore = await openStore(url, { unlock, maintenance: false, anchor });
  await store.has('payroll');
  await store.access.change(setRole('any', [{ effect: 'allow', actions: ['read'] }]));
  await store.close();
}

const replaced = { ok: false, findings: expect.arrayContaining([expect.objectContaining({ kind: 'replaced' })]) };

describe('whoever has every key but that of the auditor cannot rewrite what an anchor remembers', () => {
  // T-AUDIT-04
  test.each([0, 1])(
    'by a segment of their own in its place, longer by %d, whoever opens the store next',
    async (more) => {
      const { url, anchor } = await yesterday();
      await asInsider(url, (store, backend) => replaceNewest(store, backend, more));
      expect(await verifyAt(url, anchor)).toMatchObject(replaced);
      await honestly(url, anchor);
      await honestly(url, anchor);
      expect(await verifyAt(url, anchor)).toMatchObject(replaced);
    },
  );

  // T-AUDIT-04
  test.each([0, 1])('by a head that vouches for a segment longer by %d', async (more) => {
    const { url, anchor } = await yesterday();
    await asInsider(url, async (store, backend) => vouch(store, await replaceNewest(store, backend, more)));
    expect(await verifyAt(url, anchor)).toMatchObject(replaced);
    await honestly(url, anchor);
    expect(await verifyAt(url, anchor)).toMatchObject(replaced);
  });
});
