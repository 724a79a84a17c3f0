import { setTimeout as wait } from 'node:timers/promises';
import { createFaultInjector } from '@securestore/backend-api';
import { MemoryBackend } from '@securestore/backend-memory';
import { serve } from '@securestore/server';
import type { SecureStore } from 'securestore';
import {
  addPrincipal,
  createStore,
  generateIdentity,
  grantRole,
  openStore,
  passphrase,
  recipientOf,
  setApprovals,
  setRole,
} from 'securestore';
import { MovingClock } from './moving-clock.ts';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
/** How long a write takes once the store is served, in milliseconds. */
const WRITING = 3;

/** A store that is served, and who may sign in. */
export interface Served extends AsyncDisposable {
  readonly url: string;
  readonly tokens: Readonly<Record<'ops' | 'lead', string>>;
  /** Ends the server and leaves the store. */
  readonly stopServing: () => Promise<void>;
}

interface Past {
  /** What happened, from `days` ago on. */
  readonly days: number;
  readonly fill: (
    store: SecureStore,
    clock: MovingClock,
    destinations: ReturnType<typeof destinationsOf>,
  ) => Promise<void>;
  /** What takes a second person. */
  readonly approvals?: boolean;
  /** Whether the store is followed from now on. */
  readonly follows?: boolean;
}

let stores = 0;

/** Where the store of a name is backed up. */
const destinationsOf = (name: string): readonly [offsite: string, archive: string] => [
  `memory:${name}-offsite`,
  `memory:${name}-archive`,
];

/** A store in memory with a past, and a server on it. */
export async function servedWith({ days, fill, approvals = false, follows = false }: Past): Promise<Served> {
  const clock = new MovingClock(days * DAY);
  const name = `vault-${stores++}`;
  const [offsite, archive] = destinationsOf(name);
  for (const url of [`memory:${name}`, offsite, archive]) {
    // Whoever is there first says by which clock it goes.
    await new MemoryBackend({ clock: () => clock.now() }).init({ url, options: {} });
  }
  const unlock = passphrase('correct horse battery staple');
  const made = await createStore(`memory:${name}`, { unlock, clock, maintenance: false });
  await made.audit.enable({ auditor: await recipientOf(generateIdentity()) });
  const all = [{ effect: 'allow' as const, actions: ['*' as const] }];
  await made.access.change([
    setRole('everything', all),
    addPrincipal('ops', 'user'),
    addPrincipal('lead', 'user'),
    grantRole('ops', 'everything'),
    grantRole('lead', 'everything'),
    ...(approvals ? [setApprovals([{ actions: ['restore.replace'] }])] : []),
  ]);
  await fill(made, clock, [offsite, archive]);
  clock.pass(days * DAY);
  await made.close();
  // Writing takes the time that it takes elsewhere, or nobody would see anything happen.
  const { layer } = createFaultInjector(({ operation }) =>
    operation === 'batch' || operation === 'write' ? { type: 'delay', until: wait(WRITING) } : undefined,
  );
  const backend = layer(new MemoryBackend({ clock: () => clock.now() }));
  const store = await openStore(`memory:${name}`, { unlock, clock, maintenance: false, backend });
  const tokens = {
    ops: (await store.access.createToken('ops')).token,
    lead: (await store.access.createToken('lead')).token,
  };
  const following = follows ? await store.backups.startContinuous(offsite) : undefined;
  await following?.caughtUp();
  const server = await serve(store, { port: 0, clock });
  return {
    url: server.url,
    tokens,
    stopServing: () => server.close(),
    async [Symbol.asyncDispose]() {
      await server.close();
      await following?.close();
      await store.close();
    },
  };
}
