import { SecureStoreError } from '@securestore/core-format';
import type { GrantableArea, Job, MemberInfo, RotationReport, SecureStore, Settings } from 'securestore';
import { type Call, type ExitCode, SOME_FAILED } from '../call/call.ts';
import { parseCopyScope } from '../object/copy-scope.ts';
import type { IntoCategory } from '../object/move-into-category.ts';
import { watchJob } from '../terminal/job-progress.ts';
import { withStore } from '../store/open.ts';
import { refuse, usageHint, withHints } from '../errors/refuse.ts';
import { ifAllowed, placeOf, TELL_WHERE } from '../store/served.ts';
import { sayRotation } from './rotation-report.ts';
import { count, formatTable, formatTime, printable } from '../terminal/terminal-text.ts';
import { Commands } from '../errors/hints.ts';

export interface MemberOptions {
  readonly category?: readonly string[];
  readonly storeKeys?: readonly string[];
  readonly all?: boolean;
  readonly prefix?: string;
  readonly into?: string;
}

/** How to share objects that no category of their own has. */
const SHARE_FOLDER = {
  text: 'to share a folder that exists, add --prefix FOLDER/ --into NEW_FOLDER/: its objects get new keys',
} as const;

const COLUMNS = [{ title: 'MEMBER' }, { title: 'GRANTED' }, { title: 'ADDED' }, { title: 'RECIPIENT' }] as const;

/** If there are more categories, an error names none. */
const MOST_NAMED = 8;

/** `securestore member list`. */
export async function listMembers(call: Call): Promise<void> {
  await withStore(call, (store) => list(call, store));
}

/** `securestore member add`. */
export async function addMember(
  call: Call<MemberOptions>,
  name: string,
  recipient: string | undefined,
): Promise<ExitCode> {
  const { category, storeKeys } = call.options;
  if (recipient === undefined)
    refuse(
      'member add needs a name and a recipient, such as SSRP1-...',
      {
        text: 'the member makes an identity, which shows the recipient, with',
        command: 'securestore identity new -o FILE',
      },
      usageHint('member add'),
    );
  if ((category ?? storeKeys) === undefined) {
    refuse(
      'member add needs --category or --store-keys',
      { text: 'to list the categories', on: ['settings', 'show'] },
      { ...SHARE_FOLDER, text: SHARE_FOLDER.text.replace('add ', 'add --category NAME ') },
    );
  }
  const into = intoCategory(call.options);
  return await withStore(call, async (store) => {
    if (into === undefined) return await add(call, store, name, recipient);
    const { prepareMove } = await import('../object/move-into-category.ts');
    const move = await prepareMove(call, store, into);
    await add(call, store, name, recipient);
    if (await move()) return undefined;
    call.out.note('to move the others, run the same command again');
    return SOME_FAILED;
  });
}

/** The folders of `--prefix` and `--into`, and the category of the second. */
function intoCategory({ category = [], prefix, into }: MemberOptions): IntoCategory | undefined {
  if (prefix === undefined && into === undefined) return undefined;
  if (prefix === undefined || into === undefined) refuse('--prefix and --into belong together', SHARE_FOLDER);
  const [name, ...others] = category;
  if (name === undefined || others.length > 0) refuse('--prefix needs one --category, which gets the objects');
  if (name === 'default') refuse('the category "default" has all keys that no other category has: give a new name');
  if (prefix.replace(/\/$/, '') === into.replace(/\/$/, '')) {
    refuse(
      '--into must name another folder than --prefix: an object has the encryption keys of its category for good',
      {
        text: 'its objects are moved, which encrypts them again; choose a new folder for --into',
      },
    );
  }
  return { category: name, folders: parseCopyScope(prefix, into, true) };
}

/** `securestore member revoke`. */
export async function revokeMember(call: Call<MemberOptions>, name: string | undefined): Promise<ExitCode> {
  if ((call.options.all === true) !== (name === undefined)) {
    refuse('member revoke needs either the name of a member or --all', {
      text: 'to list them',
      on: ['member', 'list'],
    });
  }
  return await withStore(call, (store) => (name === undefined ? revokeAll(call, store) : revoke(call, store, name)));
}

function grantedText({ categories, areas }: MemberInfo): string {
  return [...categories.map(printable), ...areas.map((kind) => `the ${kind} keys`)].join(', ');
}

async function list(call: Call, store: SecureStore): Promise<void> {
  const { cli, out } = call;
  const all = await store.members.list({ signal: cli.signal });
  if (out.json) {
    for (const one of all) await out.result(one, () => []);
    return;
  }
  const rows = all.map((one) => [printable(one.name), grantedText(one), formatTime(one.added), one.recipient]);
  if (all.length === 0) {
    const adding = new Commands(call).on(['member', 'add', 'NAME', 'RECIPIENT'], { category: 'NAME' });
    out.note(printable(`no members; to add one: ${adding}`));
    return;
  }
  await out.result({}, () => formatTable(COLUMNS, rows));
  out.note(count(all.length, 'member'));
}

/** An error about a category that the store does not have, with those that it has, if whoever asks may know of them. */
async function withCategories(
  error: unknown,
  { settings }: SecureStore,
  asked: readonly string[] = [],
  signal?: AbortSignal,
): Promise<unknown> {
  if (!SecureStoreError.is(error, 'NOT_FOUND')) return error;
  let found: Settings | undefined;
  try {
    found = await ifAllowed(settings.get({ signal }));
  } catch {
    // That it was refused is said in any case.
  }
  if (found === undefined) return error;
  // It has no patterns, and what no other pattern matches.
  const names = ['default', ...Object.keys(found.categories)];
  const missing = asked.find((name) => !names.includes(name));
  if (missing === undefined) return error;
  const known = names.length > MOST_NAMED ? '' : `; the store has ${names.map(printable).join(', ')}`;
  const explained = SecureStoreError.from(error, {
    message: `the category ${JSON.stringify(missing)} does not exist${known}`,
    advice: [{ id: 'show-settings' }],
  });
  return withHints(explained, { text: 'to show the settings', on: ['settings', 'show'] }, SHARE_FOLDER);
}

/** The grants that a member is to have. */
interface Grants {
  readonly name: string;
  readonly recipient: string;
  readonly categories: readonly string[] | undefined;
  readonly areas: readonly string[] | undefined;
}

/** The member who has all grants, if that is why adding them again failed. */
async function alreadyGranted(
  error: unknown,
  { members }: SecureStore,
  { name, recipient, categories = [], areas = [] }: Grants,
  signal: AbortSignal,
): Promise<MemberInfo | undefined> {
  if (!SecureStoreError.is(error, 'ALREADY_EXISTS')) return undefined;
  const all = await ifAllowed(members.list({ signal }));
  return all?.find(
    (one) =>
      one.name === name &&
      one.recipient === recipient &&
      categories.every((category) => one.categories.includes(category)) &&
      areas.every((area) => one.areas.some((had) => had === area)),
  );
}

/** The invitation goes to stdout, so that it can be sent as it is. */
async function add(
  { cli, out, options }: Call<MemberOptions>,
  store: SecureStore,
  name: string,
  recipient: string,
): Promise<void> {
  const { formatInvitation } = await import('securestore');
  const { category: categories, storeKeys } = options;
  // What is no kind of keys the library refuses.
  const areas = storeKeys as readonly GrantableArea[] | undefined;
  const adding = store.members.add(name, recipient, { categories, areas, signal: cli.signal });
  const added = await adding.catch(async (error: unknown) => {
    const member = await alreadyGranted(error, store, { name, recipient, categories, areas }, cli.signal);
    if (member === undefined) throw await withCategories(error, store, categories, cli.signal);
    out.note(`${printable(name)} has these grants already: this is the invitation again`);
    return member;
  });
  const { fingerprint } = store;
  const storeUrl = placeOf(store);
  const invitation = formatInvitation({ fingerprint, storeUrl, recipient: added.recipient });
  await out.result({ ...added, fingerprint, ...(storeUrl && { storeUrl }), invitation }, () =>
    invitation.trimEnd().split('\n'),
  );
  const shown = printable(name);
  if (added.categories.length > 0) {
    const which = added.categories.map(printable).join(', ');
    out.note(`warning: ${shown} can now read everything AND forge anything in: ${which}`);
  }
  out.note(
    `warning: ${shown} sees the names of all objects of the store, and can mislead continuous backup and migration. To ` +
      `prevent both, share a separate store with ${shown} instead`,
  );
  if (areas?.includes('audit') === true) out.note(`${shown} can read and verify the audit log`);
  const audited = await ifAllowed(store.audit.state({ signal: cli.signal }));
  if (audited?.on === true) out.note('the store is audited, and what members do is not in its log');
  out.note(
    `Send ${shown} this invitation over a channel that both of you trust. It is not secret, but an attacker who changes it can ` +
      `make ${shown} use another store`,
  );
  if (storeUrl === undefined) out.note(TELL_WHERE);
}

async function revoke(call: Call, store: SecureStore, name: string): Promise<ExitCode> {
  const { cli } = call;
  const members = await store.members.list({ signal: cli.signal });
  const job = store.members.revoke(name, { signal: cli.signal });
  const isThere = members.some((one) => one.name === name);
  return await watchRevocation(call, store, job, { name, whom: printable(name), isThere });
}

async function revokeAll(call: Call, store: SecureStore): Promise<ExitCode> {
  const { signal } = call.cli;
  const isThere = await store.members.list({ signal }).then(
    (members) => members.length > 0,
    // Where the list is damaged, this is what helps.
    (error: unknown) => {
      if (SecureStoreError.is(error, 'INTEGRITY')) return true;
      throw error;
    },
  );
  const job = store.members.revokeAll({ signal });
  return await watchRevocation(call, store, job, { whom: 'every member', isThere });
}

interface Revocation {
  readonly name?: string;
  /** For people. */
  readonly whom: string;
  /** Whether there is anything to revoke. */
  readonly isThere: boolean;
}

async function watchRevocation(
  call: Call,
  store: SecureStore,
  job: Job<RotationReport>,
  { whom, isThere, ...more }: Revocation,
): Promise<ExitCode> {
  const { cli, out } = call;
  if (isThere) out.note(`warning: until this is done, ${whom} can still forge what was granted to them`);
  const done = await watchJob(cli, 'member revoke', job);
  // Of all members at once, who are more than one or none.
  const revoked = more.name === undefined ? `${whom}: none of them can` : `${whom}, who cannot`;
  const first = `revoked ${revoked} decrypt what is written from now on`;
  const exitCode = await sayRotation(call, store, done, first, { ...more, revoked: true });
  if (Object.keys(done.remaining).length > 0) {
    out.note(`warning: ${whom} can forge what is encrypted under keys that are still in use`);
  }
  out.note(`not protected: what ${whom} has read or copied before, and the names of the objects`);
  return exitCode;
}
