import type { Duplex } from 'node:stream';
import { duplexPair, PassThrough } from 'node:stream';
import { SecureStoreError } from 'securestore';
import { expect, it } from 'vitest';
import { giveSecrets, SecretReader } from '../../src/workers/secrets.ts';

/** Two ends of a pipe, and what was written to the first one: a pipe copies what it is given. */
function copyingPair(): { readonly here: Duplex; readonly there: Duplex; readonly seen: readonly Buffer[] } {
  const [here, there] = duplexPair();
  const seen: Buffer[] = [];
  const write = here.write.bind(here);
  here.write = ((chunk: Buffer, done: () => void) => {
    seen.push(chunk);
    return write(Buffer.from(chunk), done as never);
  }) as typeof here.write;
  return { here, there, seen };
}

it('passes the parts of a secret on as bytes, and wipes what was passed on', async () => {
  const { here, there, seen } = copyingPair();
  const given = [Buffer.from('one'), Buffer.alloc(100_000, 7), Buffer.alloc(0)];
  void giveSecrets(here, async (name) => {
    if (name === 'unlock') return given;
    throw new SecureStoreError('UNLOCK_FAILED', `no secret ${name}`);
  });
  const reader = new SecretReader(there);
  const [one, two, three] = await reader.read('unlock');
  expect(one?.toString()).toBe('one');
  expect(two?.equals(Buffer.alloc(100_000, 7))).toBe(true);
  expect(three?.length).toBe(0);
  await new Promise(setImmediate);
  for (const bytes of [...given, ...seen]) expect(bytes.equals(Buffer.alloc(bytes.length))).toBe(true);
  await expect(reader.read('other')).rejects.toMatchObject({ code: 'UNLOCK_FAILED', message: 'no secret other' });
  // One after the other, and a failure ends nothing.
  given[0]?.set(Buffer.from('two'));
  const answers = await Promise.all([reader.read('unlock'), reader.read('unlock')]);
  expect(answers.map(([first]) => first?.toString())).toEqual(['two', '\0\0\0']);
  here.destroy();
  there.destroy();
  await expect(reader.read('unlock')).rejects.toMatchObject({ code: 'UNAVAILABLE' });
});

it('says of a secret that it cannot pass on that it cannot', async () => {
  const { here, there } = copyingPair();
  void giveSecrets(here, async (name) =>
    Array.from({ length: name === 'many' ? 256 : 255 }, () => Buffer.from('part')),
  );
  const reader = new SecretReader(there);
  await expect(reader.read('many')).rejects.toMatchObject({ code: 'TOO_LARGE' });
  expect(await reader.read('some')).toHaveLength(255);
  here.destroy();
  there.destroy();
});

it('takes an answer that comes byte by byte, and wipes what it took it from', async () => {
  const stream = new PassThrough();
  const answer = Buffer.concat([Buffer.of(0, 0, 0, 0, 8, 1, 0, 0, 0, 3), Buffer.from('abc')]);
  const pushed: Buffer[] = [];
  const reading = new SecretReader(Object.assign(stream, { write: () => true }) as never).read('unlock');
  for (const byte of answer) {
    const chunk = Buffer.alloc(1, byte);
    pushed.push(chunk);
    stream.push(chunk);
    await new Promise(setImmediate);
  }
  const [secret] = await reading;
  expect(secret?.toString()).toBe('abc');
  expect(pushed.every(([byte]) => byte === 0)).toBe(true);
});
