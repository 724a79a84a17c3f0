import type { Advice, AuditLink, Head } from '@securestore/core-format';
import { isDeepStrictEqual, isBound, MAX_AUDIT_LINKS, SecureStoreError } from '@securestore/core-format';
import { fingerprintOf } from '@securestore/crypto';
import type { AnchorRecord } from './anchor.ts';
import { anchorOf, checkAnchor, mayFollow } from './anchor.ts';
import type { AuditEnd } from './audit-segment-ends.ts';
import { mergeEnds, parseEnd, standingBeside, withEnds } from './audit-segment-ends.ts';
import type { OpenSettings, StoreContext } from '../open-settings.ts';

/** By what a store is known to be the one that its opener means. */
export type Trust =
  /** Its secret authenticates it, or it was known before. */
  | 'known'
  /** The caller takes it for the right one, and it must be remembered. */
  | 'first use';

export async function rememberedAt(context: StoreContext): Promise<AnchorRecord | undefined> {
  return context.anchor?.read(context.url);
}

/**
 * Compares a head, whose signature has been verified, with what is known of the store, before any secret is used.
 *
 * @throws SecureStoreError `INTEGRITY` if it is not the pinned one; `ROLLBACK` if it contradicts the anchor;
 *   `INVALID_ARGUMENT` if the method needs a store that is known, and it isn't
 */
export async function checkIdentity(head: Head, settings: OpenSettings): Promise<Trust> {
  const found = fingerprintOf(head.identity);
  const { fingerprint, acceptRollback, unlock } = settings;
  if (fingerprint !== undefined && fingerprint !== found) {
    throw new SecureStoreError(
      'INTEGRITY',
      `the store here has the fingerprint ${found}, not the expected ${fingerprint}`,
      { advice: [{ id: 'check-writers', url: settings.url }] },
    );
  }
  const remembered = await rememberedAt(settings);
  if (remembered !== undefined && acceptRollback !== true) checkAnchor(remembered, head);
  if (isBound(unlock.type) || fingerprint !== undefined || remembered?.fingerprint === found) return 'known';
  const pins = 'pins' in unlock && unlock.pins !== undefined ? await unlock.pins() : [];
  if (pins.includes(found)) return 'known';
  return await trustFirst(found, head, settings);
}

/**
 * Any attacker can make a store with a slot for a public key, and with a key wrapper one who may wrap: so that it opens says nothing of
 * who made it.
 */
async function trustFirst(found: string, head: Head, settings: OpenSettings): Promise<Trust> {
  const { unlock, anchor, trustOnFirstUse } = settings;
  const what = unlock.type === 'recipient' ? 'an identity' : 'a key wrapper';
  if (trustOnFirstUse !== true) {
    await refuseKnownElsewhere(what, found, head, settings);
    throw new SecureStoreError(
      'INVALID_ARGUMENT',
      `${what} opens only a store with a known fingerprint, and the store here has ${found}. ` +
        'An attacker could have put another store here.',
      { option: 'fingerprint', advice: [{ id: 'give-fingerprint' }, { id: 'trust-first-use' }] },
    );
  }
  if (anchor !== undefined) return 'first use';
  throw new SecureStoreError(
    'INVALID_ARGUMENT',
    'the option "trustOnFirstUse" needs an anchor, without which every use would be the first',
    { option: 'trustOnFirstUse', advice: [{ id: 'use-anchor' }] },
  );
}

/**
 * It is not opened as if it were known: who controls this URL could have put an older copy there, or one that another person has changed.
 *
 * @throws SecureStoreError `INVALID_ARGUMENT` if the store is known by another URL
 */
async function refuseKnownElsewhere(what: string, found: string, head: Head, settings: OpenSettings): Promise<void> {
  const { anchor, url } = settings;
  const known = (await anchor?.find?.(found).catch(() => [])) ?? [];
  const later = known.find((record) => !mayFollow(record, head));
  const refuse = (reason: string, ...advice: readonly Advice[]): never => {
    const message = `${what} opens only a store that is known at its store URL. ${reason}`;
    throw new SecureStoreError('INVALID_ARGUMENT', message, { option: 'fingerprint', advice });
  };
  if (later !== undefined) {
    const generations = `generation ${later.generation}, here ${head.generation}`;
    const reason = `The store here does not follow from what is remembered of ${later.url} (${generations}), which has its fingerprint ${found}.`;
    refuse(`${reason} It may be an older copy.`, { id: 'check-writers', url }, { id: 'ask-owner' });
  }
  const [newest] = known.toSorted((a, b) => b.generation - a.generation);
  if (newest === undefined) return;
  const reason = `The store here has the fingerprint ${found}, by which this machine knows ${newest.url}.`;
  refuse(`${reason} An attacker could have put a copy here.`, { id: 'give-fingerprint', fingerprint: found });
}

/** An anchor that can't be written doesn't keep anyone from their data; it is reported. */
async function remember(context: StoreContext, record: AnchorRecord, before: AnchorRecord | undefined): Promise<void> {
  const { anchor, url, logger } = context;
  if (anchor === undefined || isDeepStrictEqual(before, record)) return;
  try {
    await anchor.write(url, record);
  } catch (error) {
    // The message of any other error may hold anything.
    const known = SecureStoreError.is(error) ? error : undefined;
    logger?.warn(
      { url, code: known?.code, advice: known?.advice },
      `an older copy of the store would not be noticed: ${known?.message ?? 'the anchor could not be written'}`,
    );
  }
}

/** How far the segments of the audit log went by what is remembered: of another store at the same store URL, nothing is missed in this one. */
export function endsIn(record: AnchorRecord | undefined, { identity }: Head): AuditLink[] {
  if (record?.fingerprint !== fingerprintOf(identity)) return [];
  return (record.audit ?? []).flatMap((text) => parseEnd(text) ?? []);
}

/**
 * Remembers a head, unless another process has remembered a newer one, or another store, by now.
 *
 * @param end how far the audit log of this process goes, if it writes one
 */
export async function rememberNewest(
  context: StoreContext & Pick<OpenSettings, 'acceptRollback'>,
  head: Head,
  end?: AuditEnd,
): Promise<void> {
  if (context.anchor === undefined) return;
  const remembered = await rememberedAt(context).catch(() => undefined);
  const record = anchorOf(head, endsAfter(endsIn(remembered, head), head, end));
  const isKept = remembered !== undefined && context.acceptRollback !== true && !mayReplace(remembered, record, head);
  if (!isKept) await remember(context, record, remembered);
}

/** What is remembered comes first: an attacker who can sign a head must not be able to have it forgotten. */
function endsAfter(remembered: readonly AuditLink[], { audit }: Head, end: AuditEnd | undefined): AuditLink[] {
  const kept = withEnds(remembered, end);
  return mergeEnds(kept, standingBeside(end, audit?.ends ?? [])).slice(0, MAX_AUDIT_LINKS);
}

/**
 * Compares a store that was followed to a place with what is remembered of that, and remembers it.
 *
 * It need not go back to what was there before, which may have been removed: a head that follows from what is known says that it is
 * there, and generations count on from one place to the next, so that what was remembered is older.
 *
 * @throws SecureStoreError `ROLLBACK` if it is older than what is remembered
 */
export async function rememberArrival(context: StoreContext, head: Head): Promise<void> {
  const remembered = await rememberedAt(context);
  if (remembered === undefined) return rememberNewest(context, head);
  const { instance, fingerprint } = anchorOf(head);
  const isLater =
    fingerprint === remembered.fingerprint &&
    instance !== remembered.instance &&
    head.generation > remembered.generation;
  if (!isLater) checkAnchor(remembered, head);
  await rememberNewest({ ...context, acceptRollback: isLater }, head);
}

/**
 * Remembers a store at the place that it was moved to by this process: that is meant, as making one is, whatever is remembered of what was
 * there before.
 *
 * @param head of the store there
 */
export async function rememberMoved(context: StoreContext, head: Head): Promise<void> {
  const remembered = await rememberedAt(context).catch(() => undefined);
  // Others may have seen a newer head there by now.
  const isKnown = remembered?.instance === anchorOf(head).instance;
  await rememberNewest({ ...context, acceptRollback: !isKnown }, head);
}

/** Not a newer head of the same store, and no store that has been put, and remembered, in the place of this one meanwhile. */
function mayReplace(remembered: AnchorRecord, record: AnchorRecord, { parent }: Head): boolean {
  if (remembered.instance === record.instance) return remembered.generation <= record.generation;
  return remembered.instance === Buffer.from(parent.instance).toString('hex');
}

/**
 * Remembers a store that was trusted when it was first used: if that fails, it must not be used.
 *
 * @throws SecureStoreError `ROLLBACK` if another process has remembered another store by now, and what the anchor throws
 */
export async function rememberFirst(settings: OpenSettings, head: Head): Promise<void> {
  const remembered = await rememberedAt(settings);
  if (remembered !== undefined && settings.acceptRollback !== true) checkAnchor(remembered, head);
  await settings.anchor?.write(settings.url, anchorOf(head));
}
