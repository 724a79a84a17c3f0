import { createSecretKey } from 'node:crypto';
import { decodeSystemBody, systemContext } from '@securestore/core-format';
import { describe, expect, it } from 'vitest';
import type { SystemKeyFinder } from '../../src/index.ts';
import { openSystemBody, sealSystemBody, unversioned } from '../../src/index.ts';
import { bytesFrom, flipped, repeatableRandom } from '../support/fixtures.ts';

const key = createSecretKey(bytesFrom('purpose', 32));
const context = systemContext(bytesFrom('instance', 16), 3, 'k/00000000003-abc');
const plaintext = Buffer.from('keys of a store');
const random = repeatableRandom('system');
const body = sealSystemBody({ secret: key, suite: 1 }, 'keyring', context, plaintext, random);

interface Change {
  readonly under?: typeof key;
  readonly suites?: readonly number[];
  readonly purpose?: 'keyring' | 'categoryMap';
  readonly place?: Buffer;
}

function open(
  bytes: Uint8Array,
  { under = key, suites = [1], purpose = 'keyring', place = context }: Change = {},
): Buffer {
  return openSystemBody('the keyring', unversioned(under), suites, purpose, place, bytes);
}

const refused = (bytes: Uint8Array, change?: Change, code: unknown = 'INTEGRITY'): void => {
  expect(() => open(bytes, change)).toThrow(expect.objectContaining({ code }));
};

describe('a sealed system body', () => {
  it('opens to what was sealed, and is different every time', () => {
    expect(open(body)).toEqual(plaintext);
    const again = sealSystemBody({ secret: key, suite: 1 }, 'keyring', context, plaintext, random);
    expect(open(again)).toEqual(plaintext);
    const [a, b] = [body, again].map((bytes) => decodeSystemBody('it', 'keyring', bytes));
    expect(a?.commitment).not.toEqual(b?.commitment);
    expect(a?.sealed).not.toEqual(b?.sealed);
  });

  it('[Y-03] is refused with any byte flipped, truncated or extended', () => {
    for (let at = 0; at < body.length; at++) {
      refused(flipped(body, at, 1), {}, expect.stringMatching(/^(INTEGRITY|FORMAT_VERSION)$/));
    }
    for (let length = 0; length < body.length; length++) refused(body.subarray(0, length));
    refused(Buffer.concat([body, Buffer.alloc(1)]));
  });

  it('[Y-03] is refused at another place: instance, generation or name', () => {
    refused(body, { place: systemContext(bytesFrom('other', 16), 3, 'k/00000000003-abc') });
    refused(body, { place: systemContext(bytesFrom('instance', 16), 4, 'k/00000000003-abc') });
    refused(body, { place: systemContext(bytesFrom('instance', 16), 3, 'k/00000000003-abd') });
  });

  it('[Y-01] is refused for another purpose, also if it claims it', () => {
    refused(body, { purpose: 'categoryMap' });
    refused(flipped(body, 6, 3), { purpose: 'categoryMap' });
    refused(sealSystemBody({ secret: key, suite: 1 }, 'categoryMap', context, plaintext, random));
  });

  it('[Y-03] is refused under another key', () => {
    refused(body, { under: createSecretKey(bytesFrom('other', 32)) });
  });

  it('[Y-05] under a versioned key opens under the version that it names, and names none otherwise', () => {
    const id = bytesFrom('version', 8);
    const versioned = sealSystemBody({ secret: key, suite: 1, id }, 'hint', context, plaintext, random);
    const openBy = (bytes: Uint8Array, find: SystemKeyFinder): Buffer =>
      openSystemBody('the hint', find, [1], 'hint', context, bytes);
    expect(openBy(versioned, (found) => (id.equals(found) ? { secret: key, suite: 1 } : undefined))).toEqual(plaintext);
    const failure = expect.objectContaining({ code: 'INTEGRITY' });
    expect(() => openBy(versioned, () => undefined)).toThrow(failure);
    expect(() => openBy(versioned, () => ({ secret: key, suite: 2 }))).toThrow(failure);
    expect(() => openBy(versioned, unversioned(key))).toThrow(failure);
  });

  it('[Y-02] is refused where the store does not accept its suite', () => {
    refused(body, { suites: [2] });
    refused(body, { suites: [] });
    refused(flipped(body, 5, 2), { suites: [1, 3] }, 'FORMAT_VERSION');
  });
});
