import { createHash, createSecretKey, generateKeyPairSync } from 'node:crypto';
import type { KeyObject } from 'node:crypto';
import type { AuditEntry, AuditLink } from '@securestore/core-format';
import { generateIdentity, identity, identityPublicKey, readRecipient, recipientOf, signAs } from '@securestore/crypto';
import type { AuditReport, ChainedEntry, Signer, VerifyOptions } from '../../src/index.ts';
import { certifyAuditKey, Chain, entryLine, headerLine, verifyLog } from '../../src/index.ts';

export const START: number = Date.UTC(2026, 0, 1);

/** Bytes that differ each time, and are the same in each run of a test. */
export function testRandom(seed: string): (length: number) => Buffer {
  let calls = 0;
  return (length) => createHash('shake256', { outputLength: length }).update(`${seed} ${++calls}`).digest();
}

export const signer =
  (key: KeyObject): Signer =>
  (use, bytes) =>
    signAs(key, use, bytes);

export const newSigningKey = (): KeyObject => generateKeyPairSync('ed25519').privateKey;

/** The keys of an auditor. */
export interface Auditor {
  readonly publicKey: Buffer;
  readonly privateKey: Buffer;
}

export async function newAuditor(): Promise<Auditor> {
  const text = generateIdentity();
  const publicKey = await readRecipient(await recipientOf(text));
  return { publicKey, privateKey: await identity(text).secret() };
}

/** A store, as far as its audit is concerned: all its keys, and none of the auditor's. */
export interface TestStore {
  readonly instanceId: Buffer;
  /** The store identity. */
  readonly key: KeyObject;
  readonly identity: Buffer;
  /** What it has certified to sign headers with. */
  readonly signing: KeyObject;
  readonly auditor: Auditor;
  /** What the log of this store is begun with. */
  readonly basis: {
    readonly instanceId: Uint8Array;
    readonly auditor: Uint8Array;
    readonly sign: Signer;
    readonly certificate: Awaited<ReturnType<typeof certifyAuditKey>>;
    readonly nameKey: KeyObject;
  };
}

export async function newStore(auditor: Auditor, seed = 'store', key: KeyObject = newSigningKey()): Promise<TestStore> {
  const instanceId = testRandom(`${seed} instance`)(16);
  const signing = newSigningKey();
  const certificate = await certifyAuditKey(signer(key), instanceId, identityPublicKey(signing), START);
  const nameKey = createSecretKey(testRandom(`${seed} names`)(32));
  const basis = { instanceId, auditor: auditor.publicKey, sign: signer(signing), certificate, nameKey };
  return { instanceId, key, identity: identityPublicKey(key), signing, auditor, basis };
}

export const plainEntry = (index: number): Omit<AuditEntry, 'sequence'> => ({
  time: START + index,
  principal: index % 3 === 0 ? 'alice' : 'bob',
  action: index % 2 === 0 ? 'read' : 'write',
  object: { name: `team/${index}` },
  category: 'default',
  outcome: index % 5 === 0 ? 'denied' : 'allowed',
  reason: '',
  requestId: `r-${index}`,
  duration: index,
});

/** A segment as it was written. */
export interface Written {
  readonly chain: Chain;
  readonly header: string;
  readonly lines: string[];
  readonly entries: ChainedEntry[];
}

/** A segment with so many entries in batches of 1, 2, 3 and so on up to 7. */
export async function writeSegment(
  store: TestStore,
  count: number,
  { seed = 'segment', previous = [] as readonly AuditLink[], random = testRandom(seed) } = {},
): Promise<Written> {
  const { nameKey: _, ...basis } = store.basis;
  const chain = await Chain.start({ ...basis, previous, random, started: START });
  const entries: ChainedEntry[] = [];
  for (let size = 1; entries.length < count; size = (size % 7) + 1) {
    const length = Math.min(size, count - entries.length);
    entries.push(...chain.append(Array.from({ length }, (__, index) => plainEntry(entries.length + index))));
  }
  const { segment } = chain.header.header;
  return { chain, header: headerLine(chain.header), lines: entries.map((entry) => entryLine(segment, entry)), entries };
}

export async function* each(lines: readonly string[]): AsyncGenerator<string> {
  yield* lines;
}

/** What the auditor finds in these lines. */
export function audit(
  store: TestStore,
  lines: readonly string[],
  more: Partial<VerifyOptions> = {},
): Promise<AuditReport> {
  const auditorKeys = [store.auditor.privateKey];
  const options = { auditorKeys, identity: store.identity, instanceIds: [store.instanceId], lines: () => each(lines) };
  return verifyLog({ ...options, ...more });
}

/** The problems of a report in short: `edited 7`. */
export function short({ findings }: AuditReport): string[] {
  return findings.map(({ kind, sequence, last }) => {
    const range = last === undefined || last === sequence ? '' : `-${last}`;
    return sequence === undefined ? kind : `${kind} ${sequence}${range}`;
  });
}
