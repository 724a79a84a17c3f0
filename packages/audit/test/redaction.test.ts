import { createSecretKey } from 'node:crypto';
import { inspect } from 'node:util';
import { SecureStoreError } from '@securestore/core-format';
import { generateIdentity, generateRecoveryCode } from '@securestore/crypto';
import * as fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import type { AuditEvent, AuditLogOptions } from '../src/index.ts';
import { nameHash, streamSink } from '../src/index.ts';
import { Writable } from 'node:stream';
import { closeOf, openLog, testSink } from './support/logs.ts';
import { audit, newAuditor, newStore } from './support/world.ts';
import type { TestStore } from './support/world.ts';
import { ANY_CHARACTER } from '../../../tools/campaigns/src/any-character.ts';

let store: TestStore;
beforeAll(async () => {
  store = await newStore(await newAuditor());
});

/** What is written of events; everything that a sink, an alert or an error could show. */
async function written(events: readonly unknown[], options: Partial<AuditLogOptions> = {}): Promise<string[]> {
  const sink = testSink();
  const chunks: Buffer[] = [];
  const stream = new Writable({
    write: (chunk: Buffer, _, callback) => {
      chunks.push(chunk);
      callback();
    },
  });
  const { log } = await openLog(store, [sink, streamSink('stdout', stream)], options);
  for (const event of events) await log.record(event as AuditEvent);
  await log.close();
  expect(Buffer.concat(chunks).toString()).toBe(sink.lines.map((line) => `${line}\n`).join(''));
  expect((await audit(store, sink.lines)).findings).toEqual([]);
  return sink.lines.slice(1, -1);
}

async function one(event: unknown, options: Partial<AuditLogOptions> = {}): Promise<Record<string, unknown>> {
  const [line = ''] = await written([event], options);
  return JSON.parse(line) as Record<string, unknown>;
}

/** The bytes of a line as well, since they are not encrypted. */
const everything = (lines: readonly string[]): string =>
  lines
    .flatMap((line) => {
      const { entry } = JSON.parse(line) as { entry: string };
      return [line, Buffer.from(entry, 'base64url').toString('utf8')];
    })
    .join('\n');

const EVENT = { action: 'read', outcome: 'allowed' } as const;

describe('the name of an object', () => {
  it('is a keyed hash, and in clear where that is asked for', async () => {
    const key = createSecretKey(Buffer.alloc(32, 3));
    const objectHash = nameHash(key, 'db/prod/password').toString('base64url');
    expect(await one({ ...EVENT, object: 'db/prod/password' }, { nameKey: key })).toMatchObject({ objectHash });
    const clearKeys = ['public/**'];
    const [hidden = '', shown = ''] = await written(
      [
        { ...EVENT, object: 'db/prod/password' },
        { ...EVENT, object: 'public/readme' },
      ],
      { clearKeys },
    );
    expect(hidden).not.toContain('password');
    expect(JSON.parse(shown)).toMatchObject({ object: 'public/readme' });
  });

  it('has another hash under another key', () => {
    const [a, b] = [3, 4].map((byte) => nameHash(createSecretKey(Buffer.alloc(32, byte)), 'a'));
    expect(a).toHaveLength(16);
    expect(a).not.toEqual(b);
  });
});

describe('what is written of an event', () => {
  const canary = 'CANARY-9f31c7';
  const cause = new Error(`inner ${canary}`);
  const foreign = Object.assign(new TypeError(canary, { cause }), { value: canary, token: canary });
  const ours = new SecureStoreError('UNAVAILABLE', canary, { cause, key: canary, backend: canary });
  const trap = new Proxy(
    {},
    {
      get: () => {
        throw new Error(canary);
      },
    },
  );

  it('holds nothing of errors but a code, of values nothing at all, and nothing that is not listed', async () => {
    const lines = await written([
      { ...EVENT, value: canary, payload: Buffer.from(canary), metadata: { canary }, password: canary },
      { ...EVENT, reason: foreign },
      { ...EVENT, reason: ours },
      { ...EVENT, reason: { message: canary } },
      { ...EVENT, reason: Buffer.from(canary) },
      { ...EVENT, reason: () => canary },
      { ...EVENT, reason: { toString: () => canary, toJSON: () => canary } },
      { ...EVENT, principal: { name: canary }, category: [canary], requestId: new String(canary), object: [canary] },
      { ...EVENT, object: `a/${canary}` },
      { action: { canary }, outcome: canary, time: canary, duration: canary },
      { ...EVENT, reason: trap, principal: trap },
      trap,
      canary,
      null,
      undefined,
    ]);
    expect(lines).toHaveLength(15);
    expect(everything(lines)).not.toContain(canary);
    const found = lines.map((line) => JSON.parse(line) as Record<string, unknown>);
    expect(found[1]).toMatchObject({ reason: '[error]' });
    expect(found[2]).toMatchObject({ reason: 'UNAVAILABLE' });
    expect(found[3]).toMatchObject({ reason: '[object]' });
    expect(found[7]).toMatchObject({ principal: '[object]', category: '[object]', object: '[object]' });
    expect(found[9]).toMatchObject({ action: '[object]', outcome: 'failed' });
    expect(found[11]).toMatchObject({ action: '[unreadable]', outcome: 'failed' });
  });

  // T-AUDIT-05
  it('holds no token, key or printed secret, wherever somebody has put one', async () => {
    const secrets = [
      `sst_${'a1_-'.repeat(3)}_${'Zz09'.repeat(11)}`,
      `eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJhbGljZSJ9.${'c2ln'.repeat(12)}`,
      generateIdentity().toString(),
      generateRecoveryCode().toString(),
      Buffer.alloc(32, 0xa7).toString('hex'),
      Buffer.alloc(40, 0xa7).toString('base64'),
      '-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIEIA\n-----END PRIVATE KEY-----',
    ];
    const lines = await written(
      secrets.flatMap((secret) => [
        { ...EVENT, reason: `refused: ${secret}` },
        { ...EVENT, reason: `Bearer ${secret.slice(0, 12)}` },
        { ...EVENT, requestId: secret },
        // It is cut only after that, so no part is left either.
        { ...EVENT, reason: 'x '.repeat(245) + secret },
      ]),
    );
    const text = everything(lines);
    for (const secret of secrets) {
      for (const part of secret.split(/[\n.]/).filter(({ length }) => length > 12)) {
        expect(text).not.toContain(part.slice(0, 16));
      }
      expect(text).not.toContain(`Bearer ${secret.slice(0, 12)}`);
    }
    const tokens = secrets.slice(0, 2).map((secret) => ({ ...EVENT, principal: secret, category: secret }));
    expect(everything(await written(tokens))).not.toMatch(/sst_a|eyJ/);
  });

  it('leaves ids of requests, names of principals and codes as they are', async () => {
    const plain = {
      principal: 'spiffe://example.org/ns/production/sa/the-service-that-reads-everything',
      category: 'credentials',
      reason: 'denied by rule 3 of the role "reader"',
      requestId: '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01',
    };
    expect(await one({ ...EVENT, ...plain, duration: 1.5 })).toMatchObject({ ...plain, microseconds: 1500 });
    const requestId = '0193d8a2-7c1f-7e7a-9b1d-2f4c8a1e5b6d';
    expect(await one({ ...EVENT, requestId })).toMatchObject({ requestId });
  });

  it('is cut where it is too long, and says so', async () => {
    const { reason, principal } = await one({ ...EVENT, reason: 'ab '.repeat(1000), principal: 'p '.repeat(1000) });
    expect(reason).toMatch(/^(ab )+(a|ab)?…\[3000 bytes\]$/);
    expect(principal).toMatch(/…\[2000 bytes\]$/);
    expect(Buffer.byteLength(String(reason))).toBeLessThanOrEqual(512);
  });

  it('is one line, with nothing that a terminal acts on or that hides text', async () => {
    const forged = '\n{"audit":1,"segment":"x"}\r\n\u001b[2J\u0085\u2028\u202e\u200b\ud800\u0000';
    const events = ['action', 'principal', 'category', 'reason', 'requestId', 'object'].map((name) => ({
      ...EVENT,
      [name]: forged,
    }));
    for (const line of await written(events, { clearKeys: ['**'] })) {
      expect(line).toMatch(/^[\u0020-\u007e\ufffd]+$/);
      expect(line.indexOf('{"audit":1,', 1)).toBe(-1);
      const values = Object.values(JSON.parse(line) as object).join('');
      expect(values).not.toMatch(/[\p{C}\p{Zl}\p{Zp}]/u);
    }
  });

  it('can be read again whatever it was, and nothing makes recording throw (property)', async () => {
    const anything = fc.anything({ withBigInt: true, withDate: true, withMap: true, withNullPrototype: true });
    const text = fc.oneof(fc.string({ unit: ANY_CHARACTER, maxLength: 60 }), fc.string({ maxLength: 3000 }));
    const field = fc.oneof(text, anything);
    const events = fc.array(
      fc.record({
        action: field,
        outcome: field,
        time: fc.oneof(fc.double(), anything),
        principal: field,
        object: field,
        category: field,
        reason: field,
        requestId: field,
        duration: fc.oneof(fc.double(), anything),
      }),
      { maxLength: 20 },
    );
    await fc.assert(
      fc.asyncProperty(events, async (given) => {
        expect(await written(given, { clearKeys: ['a/**'] })).toHaveLength(given.length);
      }),
      { numRuns: 40 },
    );
  });
});

describe('errors and alerts', () => {
  it('hold nothing of what a sink has thrown that is not ours', async () => {
    const canary = 'CANARY-a41f';
    const sink = testSink('remote', async () => {
      throw Object.assign(new Error(`POST https://user:${canary}@example.org`, { cause: canary }), { canary });
    });
    const { log, clock, alerts } = await openLog(store, [sink], { mode: 'fail-closed' });
    const error = await log.record({ ...EVENT, reason: new Error(canary) }).catch((failure: unknown) => failure);
    expect(SecureStoreError.is(error, 'UNAVAILABLE')).toBe(true);
    expect(await closeOf({ log, clock })).toBe('UNAVAILABLE');
    const shown = inspect([error, alerts, log.stats], { depth: 20, showHidden: true });
    expect(shown).not.toContain(canary);
  });
});
