import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  BACKUP_AREAS,
  backupBlobPrefix,
  BACKUP_KEYS_NAME,
  backupPartName,
  blobDigestsName,
  encodeBase32,
  envelopesName,
  indexPageName,
  packName,
  parseBackupBlobName,
  parseFileName,
  pointName,
  pointNumber,
} from '../../src/index.ts';
import { bytesOf } from '../support/arbitraries.ts';

const u53 = fc.maxSafeNat();
const digest = Buffer.alloc(32, 7);
const blobId = Buffer.alloc(16, 9);

describe('names at a destination of backups', () => {
  it('[P-01] are as the table says', () => {
    const file = { epoch: 33, digest };
    const id = encodeBase32(digest);
    expect(BACKUP_KEYS_NAME).toBe('keys');
    expect(pointName(1)).toBe('s/7vvvvvvvvvu');
    expect(indexPageName(file)).toBe(`x/00000000011-${id}`);
    expect(packName(file)).toBe(`d/00000000011-${id}`);
    expect(envelopesName(file)).toBe(`e/00000000011-${id}`);
    expect(backupPartName(33, blobId, 255)).toBe(`b/00000000011-${encodeBase32(blobId)}/000000ff`);
    expect(blobDigestsName(33, blobId)).toBe(`b/00000000011-${encodeBase32(blobId)}/@`);
    expect(BACKUP_AREAS.work).toBe('w/');
  });

  it('[P-01] list the newest point first', () => {
    fc.assert(
      fc.property(u53, u53, (a, b) => {
        expect(pointName(a) < pointName(b)).toBe(a > b);
      }),
    );
  });

  it('[P-01] say what they were made of', () => {
    fc.assert(
      fc.property(u53, bytesOf(32), bytesOf(16), fc.nat({ max: 0xffff_ffff }), (epoch, hash, id, part) => {
        expect(pointNumber(pointName(epoch))).toBe(epoch);
        const file = { epoch, digest: Buffer.from(hash) };
        expect(parseFileName(indexPageName(file))).toEqual({ ...file, area: 'x/' });
        expect(parseFileName(packName(file))).toEqual({ ...file, area: 'd/' });
        expect(parseFileName(envelopesName(file))).toEqual({ ...file, area: 'e/' });
        expect(parseBackupBlobName(backupPartName(epoch, id, part))).toEqual({ epoch, blobId: Buffer.from(id), part });
        expect(parseBackupBlobName(blobDigestsName(epoch, id))).toMatchObject({ part: 'digests' });
        expect(backupPartName(epoch, id, part).startsWith(backupBlobPrefix(epoch, id))).toBe(true);
      }),
    );
  });

  it('[P-01] are read in one spelling only', () => {
    const file = { epoch: 1, digest };
    for (const name of [
      '',
      packName(file).toUpperCase(),
      `${packName(file)}0`,
      packName(file).slice(0, -1),
      packName({ epoch: 1, digest: digest.subarray(1) }),
      packName(file).replace('d/', 'y/'),
      packName(file).replace('d/0', 'd/'),
      // The last character has bits that no byte has.
      `${packName(file).slice(0, -1)}v`,
      `d/vvvvvvvvvvv-${encodeBase32(digest)}`,
      ` ${packName(file)}`,
      `${packName(file)}\n`,
    ]) {
      expect(parseFileName(name), name).toBeUndefined();
    }
    for (const name of [
      '',
      's/',
      's/7vvvvvvvvv',
      's/7VVVVVVVVVV',
      's/vvvvvvvvvvv',
      'x/7vvvvvvvvvv',
      's/7vvvvvvvvvv\n',
    ]) {
      expect(pointNumber(name), name).toBeUndefined();
    }
    const part = backupPartName(1, blobId, 0);
    for (const name of [
      '',
      `${part}0`,
      part.slice(0, -1),
      `${part.slice(0, -1)}A`,
      part.replace('/0', '/@'),
      `${part}/@`,
    ]) {
      expect(parseBackupBlobName(name), name).toBeUndefined();
    }
    expect(parseBackupBlobName(backupPartName(1, blobId.subarray(1), 0))).toBeUndefined();
  });

  it('[P-01] that parse are what their parts make', () => {
    const names = fc.stringMatching(/^[xdesb]\/[0-9a-v]{11}(-[0-9a-v]{52}|-[0-9a-v]{26}\/(@|[0-9a-f]{8}))?$/);
    fc.assert(
      fc.property(names, (name) => {
        const file = parseFileName(name);
        if (file !== undefined) {
          const make = { 'x/': indexPageName, 'd/': packName, 'e/': envelopesName }[file.area];
          expect(make?.(file)).toBe(name);
        }
        const number = pointNumber(name);
        if (number !== undefined) expect(pointName(number)).toBe(name);
        const blob = parseBackupBlobName(name);
        if (blob === undefined) return;
        const { epoch, blobId: id, part } = blob;
        expect(part === 'digests' ? blobDigestsName(epoch, id) : backupPartName(epoch, id, part)).toBe(name);
      }),
      { numRuns: 1000 },
    );
  });
});
