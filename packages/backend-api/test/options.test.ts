import { describe, expect, it } from 'vitest';
import { flag, oneOf, parseOptions, text, wholeNumber } from '../src/index.ts';

const PARSERS = {
  size: wholeNumber({ min: 1, max: 10, fallback: 4 }),
  eager: flag(false),
  region: text(undefined),
  mode: oneOf(['fast', 'safe'], 'safe'),
};

describe('parseOptions', () => {
  it('gives defaults for what is left out', () => {
    expect(parseOptions('probe', {}, PARSERS)).toEqual({ size: 4, eager: false, region: undefined, mode: 'safe' });
  });

  it('takes what is valid', () => {
    const given = { size: 10, eager: true, region: 'eu', mode: 'fast' };
    expect(parseOptions('probe', given, PARSERS)).toEqual(given);
  });

  it.each([
    [{ size: 0 }, 'probe: option size is a whole number from 1 to 10.'],
    [{ size: 11 }, 'probe: option size is a whole number from 1 to 10.'],
    [{ size: 1.5 }, 'probe: option size is a whole number from 1 to 10.'],
    [{ size: '4' }, 'probe: option size is a whole number from 1 to 10.'],
    [{ eager: 1 }, 'probe: option eager is true or false.'],
    [{ region: '' }, 'probe: option region is a text of 1 to 4,096 characters.'],
    [{ region: 'x'.repeat(5000) }, 'probe: option region is a text of 1 to 4,096 characters.'],
    [{ mode: 'FAST' }, 'probe: option mode is one of fast, safe.'],
    [{ sise: 4 }, 'probe: unknown option "sise"; it has size, eager, region, mode.'],
    [{ constructor: 1 }, 'probe: unknown option "constructor"; it has size, eager, region, mode.'],
  ])('refuses %j', (given, message) => {
    const refusal = expect.objectContaining({ code: 'INVALID_ARGUMENT', message });
    expect(() => parseOptions('probe', given, PARSERS)).toThrowError(refusal);
  });

  it('never shows a value, which may be a credential', () => {
    expect(() => parseOptions('probe', { region: 7, mode: 'hunter2' }, PARSERS)).toThrowError(/^(?!.*hunter2)/s);
  });

  it('refuses options that are no object', () => {
    for (const options of [null, 'text', 7]) {
      // Callers without types do this.
      const given = options as unknown as Record<string, unknown>;
      expect(() => parseOptions('probe', given, PARSERS)).toThrowError(
        expect.objectContaining({ code: 'INVALID_ARGUMENT' }),
      );
    }
  });
});
