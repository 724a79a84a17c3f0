import type { Head, Keyring, KeyVersion, Slot } from '@securestore/core-format';
import { asBuffer } from '@securestore/core-format';
import type { KeyVersionInfo } from '@securestore/crypto';
import type { CryptoEventSource } from '../head/crypto-event-source.ts';
import type { ChangeEvent, KeyEvent, MemberEvent, SlotEvent } from '../api/crypto-events.ts';
import { slotLabel } from '../head/unlock/slot-id.ts';

/** Slots, root key and key versions, before a change and after it. */
export interface KeyChange {
  readonly before?: {
    readonly head: Pick<Head, 'slots' | 'rootNumber'>;
    readonly keys: { readonly versions: readonly KeyVersionInfo[] };
  };
  /** What is absent stays. */
  readonly head?: Partial<Pick<Head, 'slots' | 'rootNumber'>> | undefined;
  readonly keyring?: Keyring | undefined;
  readonly memberEvent?: MemberEvent | undefined;
}

const known = (slots: Head['slots']): Slot[] => slots.filter((slot): slot is Slot => !('raw' in slot));

/** The slots of `slots` that `others` has not. */
function without(slots: Head['slots'], others: Head['slots'], type: SlotEvent['type']): SlotEvent[] {
  const labels = new Set(known(others).map(slotLabel));
  return known(slots)
    .filter((slot) => !labels.has(slotLabel(slot)))
    .map((slot) => ({ type, slot: slotLabel(slot), method: slot.method.type }));
}

function slotChanges(before: Head['slots'], after: Head['slots']): SlotEvent[] {
  return [...without(after, before, 'slot.added'), ...without(before, after, 'slot.removed')];
}

function typesOf(before: KeyVersionInfo | undefined, { state, destroyAt }: KeyVersion): KeyEvent['type'][] {
  if (before === undefined) return ['key.created'];
  if (state === 'destroyed') return before.state === 'destroyed' ? [] : ['key.destroyed'];
  const types: KeyEvent['type'][] = [];
  if (state !== before.state) types.push(state === 'enabled' ? 'key.replaced' : 'key.disabled');
  if (destroyAt !== before.destroyAt) types.push(destroyAt > 0 ? 'key.scheduled' : 'key.restored');
  return types;
}

function versionChanges(
  source: CryptoEventSource,
  before: readonly KeyVersionInfo[],
  { groups }: Keyring,
): ChangeEvent[] {
  return groups.flatMap(({ kind, id: groupId, versions }) =>
    versions.flatMap((version) => {
      const label = asBuffer(version.id).toString('hex');
      const key = source.keyOf({ label, kind, groupId, suite: version.suite });
      const types = typesOf(
        before.find((info) => info.label === label),
        version,
      );
      return types.map((type) =>
        type === 'key.scheduled' ? { type, key, destroyAt: new Date(version.destroyAt) } : { type, key },
      );
    }),
  );
}

/** What a change does to slots and keys, for whoever listens. Nothing of it is a key. */
export function keyChanges(
  source: CryptoEventSource,
  { before, head, keyring, memberEvent }: KeyChange,
): ChangeEvent[] {
  const slots = before?.head.slots ?? [];
  const root = head?.rootNumber;
  return [
    ...slotChanges(slots, head?.slots ?? slots),
    ...(memberEvent === undefined ? [] : [memberEvent]),
    ...(before === undefined || root === undefined || root === before.head.rootNumber
      ? []
      : [{ type: 'rootKey.rotated' as const, rootKey: root }]),
    ...(keyring === undefined ? [] : versionChanges(source, before?.keys.versions ?? [], keyring)),
  ];
}
