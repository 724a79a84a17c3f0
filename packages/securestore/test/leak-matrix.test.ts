import { randomUUID } from 'node:crypto';
import type { StorageBackend } from '@securestore/backend-api';
import { forwardTo } from '@securestore/backend-api';
import { describe, expect, onTestFinished, test } from 'vitest';
import { ACTIONS, changesNothing } from '../../acl/src/rules/actions.ts';
import { SecureStoreError } from '@securestore/core-format';
import { entriesUnder } from '@securestore/objects/internal';
import type { Action, CallOptions, SecureStore, Session } from '../src/index.ts';
import { addPrincipal, grantRole, recipientOf, setApprovals, setRole } from '../src/index.ts';
import { as, PeoplesWorld } from './support/access-world.ts';
import { AUDITOR, RUNS, TASK, VAULT } from './support/calls.ts';
import { textsOf } from './support/texts.ts';
import { LONG } from '../../../tools/campaigns/src/size.ts';

// Every call, by somebody who has one action alone: nothing of an object shows without the action that is for it.

/** What must not show, and how it is found in an answer. The name `k` is what the calls are given. */
const SECRETS = {
  value: /canary-value/,
  metadata: /canary-meta/,
  size: /\b(?:7919|6971)\b/,
  name: /canary-name/,
} as const;
type Secret = keyof typeof SECRETS;

type SessionRun = (session: Session, options: CallOptions, version: string, tell: Tell) => unknown;
type Tell = (...told: readonly unknown[]) => void;

/** What the calls of the table are begun with otherwise, and those that only a session has. */
const MORE: Readonly<Record<string, (session: Session, options: CallOptions, version: string, tell: Tell) => unknown>> =
  {
    'retrieve of a version': (session, options, version) => session.retrieve('k', { version, ...options }),
    'info of a version': (session, options, version) => session.info('k', { version, ...options }),
    'store over it': (session, options) => session.store('k', 'v', { ifAbsent: true, ...options }),
    'restore into a folder': (session, options, _, tell) =>
      session.restore(VAULT, { into: 'r/', onObject: tell, ...options }),
    'restore beside what is there': (session, options, _, tell) =>
      session.restore(VAULT, { into: '', conflict: 'fail', onObject: tell, ...options }),
    'restore, dry': (session, options, _, tell) => session.restore(VAULT, { dryRun: true, onObject: tell, ...options }),
    'restore one, dry': (session, options, _, tell) =>
      session.restore(VAULT, { keys: ['k'], dryRun: true, onObject: tell, ...options }),
    'backups.retain, dry': (session, options) =>
      session.backups.retain(VAULT, { retention: { last: 1 }, dryRun: true, ...options }),
    'verify with payloads': (session, options, _, tell) =>
      session.verify({ payloads: true, onProgress: tell, ...options }),
    'health with names': (session, options) => session.health({ keys: true, ...options }),
    'undelete of another': (session, options) => session.undelete('deleted', options),
    'history of another': (session, options) => session.history('deleted', options),
    'points.find all': (session, options) =>
      session.recoveryPoints.find({ contains: 'n', destination: VAULT, ...options }),
    'settings.change to categories of what there is': (session, options) =>
      session.settings.change({ categories: { mine: ['canary-*'] } }, options),
    'settings.change to categories of what was deleted': (session, options) =>
      session.settings.change({ categories: { mine: ['canary-*-2'] } }, options),
    'approvals.list': (session, options) => session.approvals.list(options),
    'approvals.request': (session, options) => session.approvals.request('purge', 'k', options),
  };

interface Scene {
  readonly session: Session;
  readonly version: string;
  readonly end: () => Promise<void>;
}

interface Made {
  readonly place: Place;
  /** The older one of `k`. */
  readonly version: string;
}

/** A store in memory, with a backup of it beside it. */
class Place extends PeoplesWorld {
  readonly vault: string = `memory:${randomUUID()}`;

  override open(): Promise<SecureStore> {
    const inner = this.backend();
    const backend = forwardTo(inner, { init: () => inner.init({ url: this.vault, options: {} }) });
    return super.open({ destinations: { [VAULT]: { backend } } });
  }

  /** Another with the same bodies, at the same time. */
  async copy(): Promise<Place> {
    const other = new Place();
    other.clock.advance(this.clock.now() - other.clock.now());
    await copyBodies(await this.#opened(this.url), await other.#opened(other.url));
    await copyBodies(await this.#opened(this.vault), await other.#opened(other.vault));
    return other;
  }

  async #opened(url: string): Promise<StorageBackend> {
    const backend = this.backend();
    await backend.init({ url, options: {} });
    return backend;
  }
}

async function copyBodies(from: StorageBackend, to: StorageBackend): Promise<void> {
  for await (const { key } of entriesUnder(from, '')) {
    const found = await from.read(key);
    if (found !== undefined) await to.write(key, found.body);
  }
}

/** Makes a store with objects, a backup of them and a log. */
async function make(): Promise<Made> {
  const place = new Place();
  const store = await place.open();
  const { version } = await store.store('k', 'canary-value-1'.padEnd(6971, '.'), { metadata: { of: 'canary-meta-1' } });
  await store.store('k', 'canary-value-2'.padEnd(7919, '.'), { metadata: { of: 'canary-meta-2' } });
  await store.store('canary-name-1', 'canary-value-3'.padEnd(7919, '.'), { metadata: { of: 'canary-meta-3' } });
  await store.store('canary-name-2', 'canary-value-4'.padEnd(7919, '.'), { metadata: { of: 'canary-meta-4' } });
  await store.delete('canary-name-2');
  await store.store('deleted', 'canary-value-5'.padEnd(7919, '.'), { metadata: { of: 'canary-meta-5' } });
  await store.delete('deleted');
  const ticking = setInterval(() => place.clock.advance(500), 2);
  await store.backups.register(VAULT);
  await store.backup(VAULT);
  clearInterval(ticking);
  await store.store('canary-name-1', 'canary-value-6'.padEnd(7919, '.'), { metadata: { of: 'canary-meta-6' } });
  await store.schedules.add(TASK);
  await store.audit.enable({ auditor: await recipientOf(AUDITOR) });
  await store.close();
  return { place, version };
}

/** Has Alice have one action alone in a copy of what was made, and an open request there. */
async function madeFor(action: Action, { place: first, version }: Made): Promise<Made> {
  const place = await first.copy();
  const store = await place.open();
  await store.access.change([
    setRole('one', [{ effect: 'allow', actions: [action] }]),
    addPrincipal('alice', 'user'),
    grantRole('alice', 'one'),
    setRole('all', [{ effect: 'allow', actions: ['*'] }]),
    addPrincipal('bob', 'user'),
    grantRole('bob', 'all'),
    setApprovals([{ actions: ['purge'], keys: ['canary-name-1'] }]),
  ]);
  const bob = await as(store, 'bob');
  await bob.retrieve('canary-name-1');
  await bob.approvals.request('purge', 'canary-name-1', { reason: 'canary-name-1 has to go' });
  await store.close();
  return { place, version };
}

/** A session of Alice in a copy of what was made: to make it takes ten times as long. */
async function sceneOf({ place, version }: Made): Promise<Scene> {
  const copy = await place.copy();
  const store = await copy.open();
  const ticking = setInterval(() => copy.clock.advance(500), 2);
  const end = async (): Promise<void> => {
    clearInterval(ticking);
    await store.close();
  };
  onTestFinished(end);
  return { session: await as(store, 'alice'), version, end };
}

/** Actions that no call takes alone. */
const BESIDE: ReadonlySet<Action> = new Set(['restore.replace', 'migrate']);

/** What each action is for; what is not here shows nothing of any object. */
const SHOWN: Readonly<Partial<Record<Action, readonly Secret[]>>> = {
  read: ['value', 'metadata', 'size'],
  list: ['name'],
  history: ['size'],
  // The names that requests for approval and the rules about them are about.
  'access.view': ['name'],
  approve: ['name'],
};

/** Those that a short run tries: all that are about an object, and those that see, copy or bring back many. */
const IN_SHORT: ReadonlySet<Action> = new Set([
  ...ACTIONS.slice(0, ACTIONS.indexOf('backup')),
  'backup',
  'restore',
  'health',
  'access.view',
  'settings.change',
  'audit.view',
  'approve',
]);

const CALLS = Object.entries<SessionRun>({ ...(RUNS as unknown as Record<string, SessionRun>), ...MORE });

/** Whether a session has no such call at all. */
function isMissing(error: unknown): boolean {
  return error instanceof TypeError && /is not a function/.test(error.message);
}

interface Answer {
  readonly text: string;
  readonly code: string | undefined;
}

/** Everything that a call tells: its answer or its error, and what its listeners heard. */
async function answerOf({ session, version }: Scene, run: SessionRun): Promise<Answer> {
  const told: unknown[] = [];
  const tell: Tell = (...all) => void told.push(...all);
  try {
    const text = await textsOf(run(session, { timeout: 5000 }, version, tell));
    return { text: `${text}\n${await textsOf(told)}`, code: undefined };
  } catch (error) {
    const code = isMissing(error) ? 'MISSING' : SecureStoreError.is(error) ? error.code : 'no error of ours';
    return { text: `${await textsOf(error)}\n${await textsOf(told)}`, code };
  }
}

let made: Promise<Made> | undefined;

describe('whoever has one action alone', () => {
  test.each(ACTIONS.filter((action) => LONG || IN_SHORT.has(action)))(
    '%s: sees nothing of an object but what that is for, in every call',
    async (action) => {
      const shown = new Map<Secret, string>();
      made ??= make();
      const ofAction = await madeFor(action, await made);
      let scene: Scene | undefined;
      let allowed = 0;
      for (const [name, run] of CALLS) {
        scene ??= await sceneOf(ofAction);
        const { text, code } = await answerOf(scene, run);
        expect(code, `${name}: ${text}`).not.toBe('no error of ours');
        if (code !== 'ACCESS_DENIED' && code !== 'MISSING') {
          allowed += 1;
          // The next call finds everything as it was.
          if (!changesNothing(action)) {
            await scene.end();
            scene = undefined;
          }
        }
        for (const secret of Object.keys(SECRETS) as Secret[]) {
          if (SECRETS[secret].test(text) && !shown.has(secret)) shown.set(secret, name);
        }
      }
      // The table has a call for each action, but for those that are asked beside another one.
      expect(allowed > 0 || BESIDE.has(action)).toBe(true);
      expect([...shown.keys()].toSorted(), JSON.stringify([...shown])).toEqual([...(SHOWN[action] ?? [])].toSorted());
    },
  );
});
