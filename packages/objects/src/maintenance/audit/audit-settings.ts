import type { AuditMode, Head, HeadAudit } from '@securestore/core-format';
import { compareAuditLinks, generationOf, ID_LENGTH, SecureStoreError, systemContext } from '@securestore/core-format';
import type { AuditKeys } from '@securestore/crypto';
import { openSystemBody } from '@securestore/crypto';
import { keyringWith } from '../keys/keys.ts';
import type { Engine } from '../../engine/engine.ts';
import type { HeadEdit } from '../../head/head-edit.ts';
import { commitHead } from '../../engine/commit-head.ts';
import { isMember } from '../../head/unlock/owner-keys.ts';
import type { StoreState } from '../../head/store-state.ts';

/** How a store is audited. */
export type AuditSettings = Pick<HeadAudit, 'auditor'> & { readonly mode: AuditMode };

/** What a head says of how the store is audited; `undefined` if it is not. */
export function settingsOf({ audit }: Head): AuditSettings | undefined {
  return audit === undefined || audit.mode === 'off' ? undefined : (audit as AuditSettings);
}

/**
 * @throws SecureStoreError `UNSUPPORTED` if the store was never audited, `ACCESS_DENIED` for a member to whom the log was not
 *   granted, `INTEGRITY` if its keys were removed
 */
export function auditKeysOf(state: StoreState): AuditKeys {
  const { keys, head } = state;
  if (keys.audit !== undefined) return keys.audit;
  if (head.audit === undefined) {
    throw new SecureStoreError('UNSUPPORTED', 'the store has no audit log', { advice: [{ id: 'enable-audit-log' }] });
  }
  if (isMember(state)) {
    const message = 'the group "audit" was not granted to this member';
    throw new SecureStoreError('ACCESS_DENIED', message, { advice: [{ id: 'ask-owner' }] });
  }
  const when = settingsOf(head) === undefined ? 'was' : 'is';
  const message =
    `the keyring has no encryption keys of the audit log, though the store ${when} audited. A holder of the keys of the ` +
    'store removed them. Only a copy of the store from before has its log.';
  throw new SecureStoreError('INTEGRITY', message);
}

/** A change of the head after which the store is audited, with keys for that if it never was. */
export async function planAudit(
  engine: Engine,
  state: StoreState,
  settings: AuditSettings,
  signal: AbortSignal | undefined,
): Promise<HeadEdit> {
  const head: Pick<Head, 'audit'> = { audit: { ...settings, ends: state.head.audit?.ends ?? [] } };
  if (state.keys.audit !== undefined) return { head };
  return { head, keyring: await keyringWith(engine, state, 'audit', [engine.random(ID_LENGTH)], signal) };
}

/** A change of the head after which the store is not audited; `undefined` if it is not. */
export function planNoAudit(head: Head): HeadEdit | undefined {
  // What the head vouches for stays: it is then that somebody may want the log to be shorter.
  return settingsOf(head) && head.audit && { head: { audit: { ...head.audit, mode: 'off' } } };
}

/**
 * Has the head say how far the audit log of this process goes, if it says so of less: so it shows when the end is cut off.
 */
export async function publishAuditEnd(engine: Engine, signal: AbortSignal): Promise<void> {
  await commitHead(engine, { signal }, async ({ head }) => {
    const end = engine.audit.end?.();
    if (head.audit === undefined || end === undefined) return undefined;
    return head.audit.ends.some((link) => compareAuditLinks(link, end) === 0) ? undefined : {};
  });
}

/**
 * Opens a part of the audit log. It may have been written before the store was restored, or has moved.
 *
 * @param body what is stored at `name`
 * @throws SecureStoreError `INTEGRITY` if it is damaged, and as `auditKeysOf` does
 */
export function openAuditPart(state: StoreState, name: string, body: Uint8Array): Buffer {
  const { instance, instances = [], suites } = state.head;
  const keys = auditKeysOf(state);
  let failure: unknown;
  for (const written of [instance, ...instances]) {
    const context = systemContext(written, generationOf(name) ?? 0, name);
    try {
      return openSystemBody(
        `the part ${name} of the audit log`,
        (id) => keys.version(id),
        suites,
        'audit',
        context,
        body,
      );
    } catch (error) {
      if (!SecureStoreError.is(error, 'INTEGRITY')) throw error;
      failure = error;
    }
  }
  throw failure;
}

/** Whether something is the part of the audit log that belongs to a name. */
export function isAuditPart(state: StoreState, name: string, body: Uint8Array): boolean {
  try {
    openAuditPart(state, name, body).fill(0);
    return true;
  } catch (error) {
    if (SecureStoreError.is(error)) return false;
    throw error;
  }
}
