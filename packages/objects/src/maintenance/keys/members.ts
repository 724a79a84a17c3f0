import type { GrantableKind, Head, Member } from '@securestore/core-format';
import { asBuffer, MAX_MEMBER_NAME_BYTES, MAX_MEMBERS, SecureStoreError } from '@securestore/core-format';
import { formatRecipient, readRecipient } from '@securestore/crypto';
import type { Job } from '@securestore/jobs';
import type { Engine } from '../../engine/engine.ts';
import { commitHead } from '../../engine/commit-head.ts';
import type { RotationReport } from './rotate.ts';
import { slotLabel } from '../../head/unlock/slot-id.ts';
import { slotFor } from './slots.ts';
import type { StoreState } from '../../head/store-state.ts';
import type { CallOptions } from '../../api/types.ts';
import { readMembers } from '../../head/unlock/grants.ts';
import { shownValue } from '../../util/shown-value.ts';
import { invalid } from '../../util/invalid.ts';

/** A group of encryption keys, next to those of categories, that can be granted. */
export type GrantableArea = GrantableKind;

/** What a member is granted: at least one category or group. */
export interface GrantOptions extends CallOptions {
  /** Names of categories. */
  readonly categories?: readonly string[] | undefined;
  /** Groups of encryption keys that the store keeps for itself. */
  readonly areas?: readonly GrantableArea[] | undefined;
}

/** A member, as it may be shown: the holder of the encryption keys of some categories or groups. */
export interface MemberInfo {
  readonly name: string;
  /** As `recipientOf` gives it. */
  readonly recipient: string;
  readonly added: Date;
  /** Names of categories, in alphabetical order. */
  readonly categories: string[];
  readonly areas: GrantableArea[];
}

/** The members of the store. Only an owner, who can unlock the whole store, can use it (`ACCESS_DENIED`). */
export interface MemberAdministration {
  list(options?: CallOptions): Promise<MemberInfo[]>;
  /**
   * Grants keys to an identity, which then opens the store and in it what is granted, and nothing else: it reads *and can
   * forge* all of a category, and sees the names of all objects. A member who is there already is granted this in addition.
   *
   * @param name 1 to 64 bytes of NFC text without control characters, by which you call the member
   * @param recipient as `recipientOf` gave it to them
   * @throws `ALREADY_EXISTS` if that is granted already, the name or the recipient is another member's, or the identity opens
   *   the whole store; `NOT_FOUND` for categories and groups that the store hasn't; `INVALID_ARGUMENT`; `TOO_LARGE`
   */
  add(name: string, recipient: string, grant: GrantOptions): Promise<MemberInfo>;
  /**
   * Takes from a member what they were granted: one change of the head, after which nothing more is sealed under keys that they
   * know, then a rotation of these keys. When the job is done, what they know opens nothing that the store holds, and what
   * they forge is refused; until then they can still forge. They keep what they have read or copied. A job that was
   * stopped is resumed as `rotation`.
   *
   * It rejects with `NOT_FOUND`; `LOCKED` if another rotation is at work; `CONFLICT` if one to another depth was
   * stopped, or if a slot opens the whole store to the member.
   */
  revoke(name: string, options?: CallOptions): Job<RotationReport>;
  /**
   * The same for all members at once, with new keys for everything. It needs nothing of the grants: it helps if these
   * are damaged or gone, which otherwise keeps keys and members from being changed (`INTEGRITY`).
   */
  revokeAll(options?: CallOptions): Job<RotationReport>;
}

const GROUPS: readonly GrantableArea[] = ['audit', 'backup'];

/** @throws SecureStoreError `INVALID_ARGUMENT` */
export function checkMemberName(name: unknown): asserts name is string {
  const isName =
    typeof name === 'string' &&
    name !== '' &&
    name.isWellFormed() &&
    name.normalize('NFC') === name &&
    name.trim() === name &&
    !/[\u0000-\u001f\u007f-\u009f]/.test(name) &&
    Buffer.byteLength(name) <= MAX_MEMBER_NAME_BYTES;
  if (isName) return;
  invalid(
    `the name of a member must be NFC text of 1 to ${MAX_MEMBER_NAME_BYTES} bytes without control characters or outer spaces`,
  );
}

function checkTexts(what: string, texts: unknown): asserts texts is readonly string[] | undefined {
  if (texts === undefined || (Array.isArray(texts) && texts.every((text) => typeof text === 'string'))) return;
  invalid(`the option "${what}" must be an array of strings`, what);
}

/** @throws SecureStoreError `INVALID_ARGUMENT` */
function checkGrant({ categories, areas }: GrantOptions): void {
  checkTexts('categories', categories);
  checkTexts('areas', areas);
  const unknown = areas?.find((group) => !GROUPS.includes(group));
  if (unknown !== undefined) {
    invalid(`the option "areas" must hold "audit" or "backup", got ${shownValue(unknown)}`, 'areas');
  }
  if ((categories?.length ?? 0) + (areas?.length ?? 0) > 0) return;
  invalid('a member must be granted at least one category or area');
}

type Granted = Pick<Member, 'categories' | 'groups'>;

/** What is to be granted, as it is kept. @throws SecureStoreError `NOT_FOUND` */
function grantOf(state: StoreState, { categories = [], areas = [] }: GrantOptions): Granted {
  const missing = areas.find((group) => !state.keys.versions.some(({ kind }) => kind === group));
  if (missing !== undefined) {
    throw new SecureStoreError(
      'NOT_FOUND',
      missing === 'audit' ? 'the store has no audit log' : 'the store was never backed up',
      { option: 'areas', ...(missing === 'audit' && { advice: [{ id: 'enable-audit-log' }] }) },
    );
  }
  return { categories: categories.map((name) => idOf(state, name)), groups: areas };
}

function idOf({ categories }: StoreState, name: string): Uint8Array {
  const id = categories.find(name);
  if (id !== undefined) return id;
  throw new SecureStoreError('NOT_FOUND', `category ${JSON.stringify(name)} does not exist`, {
    advice: [{ id: 'show-settings' }],
  });
}

/** Both grants together, in the order of the format. */
function union(a: Granted, b: Granted): Granted {
  const ids = new Map([...a.categories, ...b.categories].map((id) => [asBuffer(id).toString('hex'), id]));
  return {
    categories: [...ids.values()].toSorted((one, other) => Buffer.compare(one, other)),
    groups: GROUPS.filter((group) => a.groups.includes(group) || b.groups.includes(group)),
  };
}

const sizeOf = ({ categories, groups }: Granted): number => categories.length + groups.length;

function exists(reason: string): never {
  throw new SecureStoreError('ALREADY_EXISTS', reason, { advice: [{ id: 'list-members' }] });
}

/** The member with a name and a public key, who may be there already. @throws SecureStoreError `ALREADY_EXISTS` */
function findMember(members: readonly Member[], name: string, publicKey: Buffer): Member | undefined {
  const named = members.find((member) => member.name === name);
  const keyed = members.find((member) => publicKey.equals(member.publicKey));
  if (named !== keyed && named !== undefined)
    exists(`member ${JSON.stringify(name)} already exists with another recipient`);
  if (named !== keyed) exists(`the recipient already belongs to member ${JSON.stringify(keyed?.name)}`);
  return named;
}

function refuseSlot(head: Head, publicKey: Uint8Array): void {
  const slot = slotFor(head, publicKey);
  if (slot !== undefined) exists(`the recipient already unlocks the whole store by slot ${slotLabel(slot)}`);
}

function infoOf({ categories }: StoreState, member: Member): MemberInfo {
  return {
    name: member.name,
    recipient: formatRecipient(member.publicKey),
    added: new Date(member.added),
    categories: member.categories.map((id) => categories.nameOf(id)).toSorted(),
    areas: [...member.groups],
  };
}

/** In alphabetical order of their names. */
export async function listMembers({ backend, monitor }: Engine, signal?: AbortSignal): Promise<MemberInfo[]> {
  await monitor.refresh(signal);
  const { state } = monitor;
  const members = await readMembers(backend, state, signal);
  return members.map((member) => infoOf(state, member)).toSorted((a, b) => (a.name < b.name ? -1 : 1));
}

/** @throws SecureStoreError as {@link MemberAdministration.add} says */
export async function addMember(
  engine: Engine,
  name: string,
  recipient: string,
  grant: GrantOptions,
  signal?: AbortSignal,
): Promise<MemberInfo> {
  checkMemberName(name);
  checkGrant(grant);
  const publicKey = await readRecipient(recipient);
  let added: Member | undefined;
  await commitHead(engine, { signal }, async (state) => {
    refuseSlot(state.head, publicKey);
    const members = await readMembers(engine.backend, state, signal);
    const before = findMember(members, name, publicKey);
    const granted = union(before ?? { categories: [], groups: [] }, grantOf(state, grant));
    if (before !== undefined && sizeOf(granted) === sizeOf(before)) {
      exists(`member ${JSON.stringify(name)} already has all of these grants`);
    }
    added = { publicKey, name, added: before?.added ?? engine.clock.now(), ...granted };
    const next = [...members.filter((member) => member !== before), added];
    if (next.length > MAX_MEMBERS) {
      throw new SecureStoreError('TOO_LARGE', `a store must have at most ${MAX_MEMBERS} members, got ${next.length}`, {
        advice: [{ id: 'list-members' }],
      });
    }
    return {
      members: next.toSorted((a, b) => Buffer.compare(a.publicKey, b.publicKey)),
      memberEvent: { type: 'member.granted', recipient: formatRecipient(publicKey) },
    };
  });
  if (added === undefined) throw new SecureStoreError('INTERNAL', 'the added member is missing');
  return infoOf(engine.monitor.state, added);
}
