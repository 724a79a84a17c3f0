import { AuditTrail } from '@securestore/audit';
import type { AuditArea } from '@securestore/audit';
import type { HeadAudit } from '@securestore/core-format';
import { describe, expect, test } from 'vitest';
import { openAt } from '../../objects/test/support/stores.ts';
import { reviseKeyring, workshop } from '../../objects/test/support/workshop.ts';
import type { Workshop } from '../../objects/test/support/workshop.ts';
import { headAt } from '../../objects/test/support/heads.ts';
import { identity, recipientOf } from '../src/index.ts';
import { auditor } from './support/audits.ts';
import { extensionsOf } from '@securestore/objects/internal';

/** A store that was audited, with the keys of its log removed from its keyring, by somebody who has those of the store. */
async function withoutKeys(mode: HeadAudit['mode']): Promise<Workshop> {
  const shop = await workshop();
  const trail = new AuditTrail(extensionsOf(shop.store).audit);
  await trail.enable({ auditor: await recipientOf(auditor) });
  await trail.recorder.attempt({ action: 'write', principal: 'me', object: 'k' }, async () => 'done');
  await trail.recorder.close();
  if (mode === 'off') await trail.disable();
  expect((await headAt(shop.backend)).audit?.mode).toBe(mode);
  await reviseKeyring(shop, (keyring) => ({
    ...keyring,
    groups: keyring.groups.filter(({ kind }) => kind !== 'audit'),
  }));
  return shop;
}

const removed = expect.objectContaining({
  code: 'INTEGRITY',
  message: expect.stringMatching(
    /keyring has no encryption keys of the audit log, though the store (is|was) audited\./,
  ),
});

const CALLS: readonly (readonly [string, (trail: AuditTrail, place: AuditArea) => Promise<unknown>])[] = [
  ['verify', (trail) => trail.verify({ auditor: identity(auditor) })],
  ['entries', (trail) => trail.entries()],
  ['lines', (trail) => Array.fromAsync(trail.lines())],
  ['hashOf', async (trail) => trail.hashOf('k')],
  ['read', async (_trail, place) => place.hashNames(['k'])],
];

describe.each(['batched', 'off'] as const)('a log whose keys were removed from the keyring, in the mode %s', (mode) => {
  test.each(CALLS)('is not taken for one that there never was, by %s', async (_name, call) => {
    const { store, place } = await withoutKeys(mode);
    await extensionsOf(store).audit.refresh();
    await expect(call(new AuditTrail(extensionsOf(store).audit), extensionsOf(store).audit)).rejects.toEqual(removed);
    const later = await openAt(place);
    await expect(call(new AuditTrail(extensionsOf(later).audit), extensionsOf(later).audit)).rejects.toEqual(removed);
  });
});

test('a store that was never audited says so', async () => {
  const { store } = await workshop();
  const trail = new AuditTrail(extensionsOf(store).audit);
  const never = expect.objectContaining({ code: 'UNSUPPORTED', message: expect.stringContaining('no audit log') });
  for (const [, call] of CALLS) await expect(call(trail, extensionsOf(store).audit)).rejects.toEqual(never);
});
