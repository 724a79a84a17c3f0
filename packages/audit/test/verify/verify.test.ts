import { Readable } from 'node:stream';
import * as fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import { auditLines } from '../../src/index.ts';
import { LINE_START } from '../../src/entry/line.ts';
import { piecesOf } from '../../src/entry/lines.ts';
import { audit, each, newAuditor, newSigningKey, newStore, short, writeSegment } from '../support/world.ts';
import type { TestStore, Written } from '../support/world.ts';
import { sized } from '../../../../tools/campaigns/src/size.ts';

let store: TestStore;
let segments: readonly Written[];
beforeAll(async () => {
  store = await newStore(await newAuditor());
  segments = await Promise.all(['a', 'b', 'c'].map((seed) => writeSegment(store, 12, { seed })));
});

/** The lines of some segments, as processes write them side by side. `picks` says whose turn it is. */
function interleaved(given: readonly Written[], picks: readonly number[]): string[] {
  const left = given.map(({ header, lines }) => [header, ...lines]);
  const lines: string[] = [];
  for (let turn = 0; left.some(({ length }) => length > 0); turn++) {
    const open = left.filter(({ length }) => length > 0);
    lines.push(open[(picks[turn] ?? 0) % open.length]?.shift() ?? '');
  }
  return lines;
}

const collected = (lines: AsyncIterable<string>): Promise<string[]> => Array.fromAsync(lines);

type Damage = (text: Buffer) => Buffer;
const position = fc.nat({ max: 0xff_ffff });
const lineAt = (text: Buffer, at: number): [start: number, end: number] => {
  const point = at % text.length;
  const end = text.indexOf(0x0a, point);
  return [text.lastIndexOf(0x0a, Math.max(0, point - 1)) + 1, end < 0 ? text.length : end + 1];
};
const damage: fc.Arbitrary<Damage> = fc.oneof(
  fc.tuple(position, fc.integer({ min: 1, max: 255 })).map(([at, mask]): Damage => (text) => {
    const changed = Buffer.from(text);
    const index = at % text.length;
    changed.writeUInt8(changed.readUInt8(index) ^ mask, index);
    return changed;
  }),
  fc.tuple(position, fc.integer({ min: 1, max: 900 })).map(([at, count]): Damage => (text) => {
    const start = at % text.length;
    return Buffer.concat([text.subarray(0, start), text.subarray(start + count)]);
  }),
  fc.tuple(position, position).map(([from, to]): Damage => (text) => {
    const line = text.subarray(...lineAt(text, from));
    const [start] = lineAt(text, to);
    return Buffer.concat([text.subarray(0, start), line, text.subarray(start)]);
  }),
  position.map((at): Damage => (text) => {
    const [start, end] = lineAt(text, at);
    return Buffer.concat([text.subarray(0, start), text.subarray(end)]);
  }),
);

describe('a verification', () => {
  it('takes segments side by side in one file, however they are mixed (property)', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.nat(), { maxLength: 39 }), async (picks) => {
        const report = await audit(store, interleaved(segments, picks));
        expect(report.findings).toEqual([]);
        expect(report.segments.map(({ entries }) => entries)).toEqual([12, 12, 12]);
      }),
      { numRuns: 30 },
    );
  });

  it('never fails on damage, and says that all is well only where every entry is as it was written (property)', async () => {
    const heads = segments.map(({ chain }) => chain.end);
    const whole = segments.map(({ header, lines }) => [header, ...lines].join('\n'));
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.nat(), { maxLength: 39 }),
        fc.array(damage, { minLength: 1, maxLength: 4 }),
        async (picks, damages) => {
          let text = Buffer.from(
            interleaved(segments, picks)
              .map((line) => `${line}\n`)
              .join(''),
          );
          for (const change of damages) text = Buffer.from(change(text));
          const lines = await collected(auditLines(Readable.from([text])));
          const report = await audit(store, lines, { heads });
          if (!report.ok) return;
          const pieces = lines.flatMap(piecesOf);
          for (const [index, { header, lines: entries }] of segments.entries()) {
            const own = new Set([header, ...entries]);
            // A header may be there again, as in the file that follows on another one.
            const found = pieces.filter(
              (piece, at) => own.has(piece) && (piece !== header || pieces.indexOf(piece) === at),
            );
            expect(found.join('\n')).toBe(whole[index]);
          }
        },
      ),
      { numRuns: sized({ short: 40, full: 400, torture: 20_000 }) },
    );
  });

  it('takes keys of former auditors, and says whose segments it can’t open', async () => {
    const former = await newAuditor();
    const old = await newStore(former, 'store', store.key);
    const before = await writeSegment(old, 3, { seed: 'before' });
    const lines = [before.header, ...before.lines];
    expect(short(await audit(store, lines))).toEqual(['unverifiable', 'unverifiable']);
    const auditorKeys = [store.auditor.privateKey, former.privateKey];
    expect((await audit(store, lines, { auditorKeys })).ok).toBe(true);
  });

  it('takes segments of the instances that a store had, and of no other', async () => {
    const restored = await newStore(store.auditor, 'restored', store.key);
    const after = await writeSegment(restored, 3, { seed: 'after' });
    const lines = [after.header, ...after.lines];
    expect(short(await audit(store, lines))).toEqual(['spliced', 'unverifiable']);
    expect((await audit(store, lines, { instanceIds: [store.instanceId, restored.instanceId] })).ok).toBe(true);
  });

  it('[A-07] refuses a header that is signed by a key that the store has not certified, or certified for another one', async () => {
    const thief = await newStore(store.auditor, 'store', newSigningKey());
    const forged = await writeSegment(thief, 3);
    expect(short(await audit(store, [forged.header, ...forged.lines]))).toEqual(['spliced', 'unverifiable']);
    // Certificates can be read in every log; the key is what makes the difference.
    const { sign } = thief.basis;
    const copied = await writeSegment({ ...store, basis: { ...store.basis, sign } }, 3);
    expect(short(await audit(store, [copied.header, ...copied.lines]))).toEqual(['edited', 'unverifiable']);
    const restored = await newStore(store.auditor, 'restored', store.key);
    const moved = { ...restored, basis: { ...restored.basis, instanceId: store.instanceId } };
    const other = await writeSegment(moved, 3);
    expect(short(await audit(store, [other.header, ...other.lines]))).toEqual(['spliced', 'unverifiable']);
  });

  it('stops where the log ended when it began', async () => {
    const [a, b] = segments;
    if (a === undefined || b === undefined) throw new Error('no segments');
    let passes = 0;
    const lines = (): AsyncIterable<string> =>
      each(++passes === 1 ? [a.header, ...a.lines] : [a.header, ...a.lines, b.header, ...b.lines]);
    const report = await audit(store, [], { lines });
    expect([passes, report.ok, report.segments.length]).toEqual([2, true, 1]);
  });

  it('finds nothing wrong with nothing, unless somebody has seen more', async () => {
    expect(await audit(store, [])).toEqual({ ok: true, findings: [], notes: [], segments: [] });
    const heads = segments.map(({ chain }) => chain.end);
    expect(short(await audit(store, [], { heads }))).toEqual(['missing', 'missing', 'missing']);
  });

  it('lists no more than a thousand findings', async () => {
    const report = await audit(
      store,
      Array.from({ length: 1500 }, () => 'nothing'),
    );
    expect([report.ok, report.notes.length]).toEqual([true, 1001]);
    expect(report.notes.at(-1)).toBe('500 further findings are not listed');
  });
});

describe('lines', () => {
  it('are the same however their bytes come, and a long one is cut (property)', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.string({ maxLength: 40 }).map((text) => text.toWellFormed().replaceAll('\n', ''))),
        fc.integer({ min: 1, max: 30 }),
        async (lines, size) => {
          const bytes = Buffer.from(lines.map((line) => `${line}\n`).join(''));
          const chunks = Array.from({ length: Math.ceil(bytes.length / size) }, (_, index) =>
            bytes.subarray(index * size, (index + 1) * size),
          );
          expect(await collected(auditLines(Readable.from(chunks)))).toEqual(lines);
        },
      ),
    );
    const long = await collected(auditLines(Readable.from([Buffer.alloc(100_000, 'x'), Buffer.from('y\nz')])));
    expect(long.map(({ length }) => length)).toEqual([65_536, 1]);
  });

  it('are told apart where somebody was stopped within one', () => {
    expect(piecesOf(`${LINE_START}"a${LINE_START}"b`)).toEqual([`${LINE_START}"a`, `${LINE_START}"b`]);
    expect(piecesOf(`x${LINE_START}`)).toEqual(['x', LINE_START]);
    expect(piecesOf('')).toEqual([]);
  });
});
