import { expect, it } from 'vitest';
import { neededBy } from '../src/servers.ts';
import { gcsFor } from '../../services/src/servers/gcs.ts';

it('a full run installs what its tests use, and a short one not what takes minutes', () => {
  const [short, full] = [neededBy('short'), neededBy('full')];
  const compiled = gcsFor('full');
  expect(compiled.lacks).toBeUndefined();
  if (!process.env[compiled.variable]) {
    expect(full).toContain(compiled);
    expect(short).toContain(gcsFor('short'));
  }
  const added = full.map(({ name }) => name).filter((name) => !short.some((one) => one.name === name));
  expect(['ceph', 'registry']).toEqual(expect.arrayContaining(added));
});
