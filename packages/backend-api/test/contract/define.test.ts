import { MemoryBackend } from '@securestore/backend-memory';
import { describe, expect, it } from 'vitest';
import { assertStorable, type BackendDefinition, defineBackend } from '../../src/index.ts';

const SOUND: BackendDefinition = { name: 'probe', schemes: ['probe'], contract: 1, create: () => new MemoryBackend() };

describe('defineBackend', () => {
  it('returns what it was given', () => {
    expect(defineBackend(SOUND)).toBe(SOUND);
  });

  it.each([
    ['name', ''],
    ['name', 'Level'],
    ['name', 7],
    ['schemes', []],
    ['schemes', 'level'],
    ['schemes', ['ok', 'Not Ok']],
    ['schemes', [7]],
    ['create', undefined],
  ])('refuses %s: %j', (field, value) => {
    // Authors without types do this.
    const broken = { ...SOUND, [field]: value } as BackendDefinition;
    const refusal = expect.objectContaining({ code: 'INVALID_ARGUMENT', message: expect.stringContaining(field) });
    expect(() => defineBackend(broken)).toThrowError(refusal);
  });

  it('names both versions of the contract where they differ', () => {
    const refusal = expect.objectContaining({
      code: 'UNSUPPORTED',
      message: expect.stringMatching(/version 2 .*version 1/),
    });
    expect(() => defineBackend({ ...SOUND, contract: 2 })).toThrowError(refusal);
  });

  it.each([undefined, null, 'memory', 7])('refuses %s', (value) => {
    expect(() => defineBackend(value as unknown as BackendDefinition)).toThrowError(
      expect.objectContaining({ code: 'INVALID_ARGUMENT' }),
    );
  });
});

describe('assertStorable', () => {
  const { capabilities } = new MemoryBackend();

  it('accepts a backend that has all that is mandatory', () => {
    expect(() =>
      assertStorable({ ...capabilities, atomicBatch: false, conditionalDelete: false }, 'probe'),
    ).not.toThrow();
  });

  it('names everything that is missing', () => {
    const poor = { ...capabilities, ifMatch: false, rangeRead: false, maxBodyBytes: 65_535 };
    const message = expect.stringMatching(/^probe: .*ifMatch, rangeRead, maxBodyBytes of at least 65536/);
    expect(() => assertStorable(poor, 'probe')).toThrowError(expect.objectContaining({ code: 'UNSUPPORTED', message }));
  });
});
