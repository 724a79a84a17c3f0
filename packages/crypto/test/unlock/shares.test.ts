import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { printed, readPrinted } from '../../src/unlock/printed.ts';
import { generateShares, shares } from '../../src/index.ts';

const refusal = expect.objectContaining({ code: 'INVALID_ARGUMENT' }) as unknown;
function forgedFrom(share: Buffer): Buffer {
  const bytes = readPrinted('share', share, 39);
  bytes.writeUInt8(bytes.readUInt8(10) ^ 1, 10);
  return printed('share', bytes);
}

const schemes = fc
  .integer({ min: 2, max: 9 })
  .chain((count) => fc.record({ threshold: fc.integer({ min: 2, max: count }), count: fc.constant(count) }));

describe('shares', () => {
  it('give one secret, whichever of them are enough, in any order', async () => {
    await fc.assert(
      fc.asyncProperty(schemes, fc.infiniteStream(fc.double({ noNaN: true })), async (scheme, order) => {
        const made = await generateShares(scheme);
        expect(made.length).toBe(scheme.count);
        const secret = await shares(made).secret();
        expect(secret.length).toBe(32);
        const shuffled = made
          .map((share) => [order.next().value ?? 0, share] as const)
          .toSorted(([a], [b]) => a - b)
          .map(([, share]) => share.toString('latin1'));
        expect(await shares(shuffled.slice(0, scheme.threshold)).secret()).toEqual(secret);
        await expect(shares(shuffled.slice(0, scheme.threshold - 1)).secret()).rejects.toEqual(refusal);
      }),
      { numRuns: 30 },
    );
  });

  it('that are too few, of another set, given twice or mistyped are refused, and which one it is is said', async () => {
    const [a = Buffer.alloc(0), b = Buffer.alloc(0)] = await generateShares({ threshold: 2, count: 3 });
    const [other = Buffer.alloc(0)] = await generateShares({ threshold: 2, count: 3 });
    await expect(shares([]).secret()).rejects.toThrow('no share was given');
    await expect(shares([a]).secret()).rejects.toThrow('2 of the 3 shares are needed, got 1');
    await expect(shares([a, a]).secret()).rejects.toThrow('a share was given twice');
    await expect(shares([a, other]).secret()).rejects.toThrow('share 2 of those given is of another set');
    const wrong = b.toString('latin1').replace(/.$/, (digit) => (digit === '0' ? '2' : '0'));
    await expect(shares([a, wrong]).secret()).rejects.toThrow(/^share 2 of those given: the share was mistyped/);
  });

  it.each([
    ['that needs no other', [1, 3, 7]],
    ['that needs none', [0, 3, 7]],
    ['that needs more than there are', [3, 2, 7]],
    ['whose point is the secret itself', [2, 3, 0]],
    ['that is the fourth of three', [2, 3, 4]],
    ['that is the last of all that could be', [2, 3, 255]],
  ] as const)('[S-13] with one that was made up, %s, are refused, and which one it is is said', async (_, numbers) => {
    const [threshold, count, x] = numbers;
    const forge = (point: number): Buffer =>
      printed('share', Buffer.from([1, 2, 3, 4, threshold, count, ...Buffer.alloc(32, 5), point]));
    const made = shares([forge(x), forge(1), forge(2)]);
    await expect(made.secret()).rejects.toThrow('share 1 of those given was made up');
    await expect(made.shares?.()).rejects.toThrow('share 1 of those given was made up');
    const last = shares([...(await generateShares({ threshold: 3, count: 3 })).slice(1), forge(x)]);
    await expect(last.secret()).rejects.toThrow('share 3 of those given was made up');
  });

  it('are numbered from 1 in their order', async () => {
    for (const scheme of [
      { threshold: 2, count: 2 },
      { threshold: 3, count: 5 },
      { threshold: 100, count: 255 },
    ]) {
      const read = await shares(await generateShares(scheme)).shares?.();
      expect(read?.map((share) => share.at(-1))).toEqual(Array.from({ length: scheme.count }, (_, index) => index + 1));
    }
  });

  it('that are made up give another secret, and are noticed where more than needed are given', async () => {
    const [a = Buffer.alloc(0), b = Buffer.alloc(0), c = Buffer.alloc(0)] = await generateShares({
      threshold: 2,
      count: 3,
    });
    const secret = await shares([a, b]).secret();
    const forged = forgedFrom(b);
    expect(await shares([a, forged]).secret()).not.toEqual(secret);
    for (const given of [
      [a, forged, c],
      [a, c, forged],
      [forged, c, a],
    ]) {
      await expect(shares(given).secret()).rejects.toEqual(refusal);
      await expect(shares(given).secret()).rejects.toThrow('the shares given contradict each other');
    }
  });

  it.each([
    { threshold: 2, count: 5 },
    { threshold: 3, count: 5 },
    { threshold: 5, count: 5 },
  ])('%j: fewer than needed fit any other secret as well', async (scheme) => {
    const known = (await shares(await generateShares(scheme)).shares?.()) ?? [];
    const fewer = known.slice(0, scheme.threshold - 1);
    // With one share more, made up at will, they give a secret each time, and always another one.
    const secrets = await Promise.all(
      Array.from({ length: 20 }, async (_, byte) => {
        const share = Buffer.from(known[scheme.threshold - 1] ?? []).fill(byte, 6, 38);
        return shares([...fewer, share].map((bytes) => printed('share', bytes))).secret();
      }),
    );
    expect(new Set(secrets.map((secret) => secret.toString('hex'))).size).toBe(20);
  });

  it.each([
    { threshold: 1, count: 3 },
    { threshold: 4, count: 3 },
    { threshold: 2, count: 256 },
    { threshold: 2.5, count: 3 },
    { threshold: 0, count: 0 },
    { threshold: 2, count: Number.NaN },
  ])('of an impossible scheme are refused: %j', async (scheme) => {
    await expect(generateShares(scheme)).rejects.toEqual(refusal);
  });

  it('are as many as can be', async () => {
    const made = await generateShares({ threshold: 255, count: 255 });
    expect(await shares(made).secret()).toEqual(await shares(made.toReversed()).secret());
  });
});
