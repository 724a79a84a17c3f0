import { describe, expect, it } from 'vitest';
import { flag, oneOf, parseOptions, text, wholeNumber } from '../../src/index.ts';

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
    [{ size: 0 }, 'the option "size" of probe must be a whole number from 1 to 10'],
    [{ size: 11 }, 'the option "size" of probe must be a whole number from 1 to 10'],
    [{ size: 1.5 }, 'the option "size" of probe must be a whole number from 1 to 10'],
    [{ size: '4' }, 'the option "size" of probe must be a whole number from 1 to 10'],
    [{ eager: 1 }, 'the option "eager" of probe must be true or false'],
    [{ region: '' }, 'the option "region" of probe must be a string of 1 to 4,096 characters'],
    [{ region: 'x'.repeat(5000) }, 'the option "region" of probe must be a string of 1 to 4,096 characters'],
    [{ mode: 'FAST' }, 'the option "mode" of probe must be one of fast, safe'],
    [{ sise: 4 }, 'unknown option "sise" of probe, which has the options size, eager, region, mode'],
    [{ constructor: 1 }, 'unknown option "constructor" of probe, which has the options size, eager, region, mode'],
  ])('refuses %j', (given, message) => {
    const [option] = Object.keys(given);
    const refusal = expect.objectContaining({ code: 'INVALID_ARGUMENT', message, option });
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
