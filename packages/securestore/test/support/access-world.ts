import { randomUUID } from 'node:crypto';
import type { StorageBackend } from '@securestore/backend-api';
import { MemoryBackend } from '@securestore/backend-memory';
import { onTestFinished } from 'vitest';
import { FakeClock } from '../../../jobs/test/support/clock.ts';
import type { Authenticator, OpenOptions, Rule, SecureStore, Session, UnlockMethod } from '../../src/index.ts';
import { addPrincipal, grantRole, openStore, rawKey, setRole } from '../../src/index.ts';

export const unlock: UnlockMethod = rawKey(Buffer.alloc(32, 3));

/** A store in memory on a clock of the test's own, and more handles on it as other processes have them. */
export class World {
  readonly clock: FakeClock = new FakeClock();
  readonly url: string = `memory:${randomUUID()}`;

  backend(): StorageBackend {
    return new MemoryBackend({ clock: () => this.clock.now() });
  }

  async open(more: Partial<OpenOptions> = {}): Promise<SecureStore> {
    const options = { unlock, create: true, backend: this.backend(), clock: this.clock, maintenance: false, ...more };
    const store = await openStore(this.url, options);
    onTestFinished(async () => store.close());
    return store;
  }
}

/** Believes whoever says a name. */
const trusting: Authenticator = {
  name: 'trusting',
  authenticate: async (credentials) => credentials as { principal: string; roles?: string[] },
};

/** People and what each may do. */
export type People = Readonly<Record<string, readonly Rule[]>>;

/** A store with people, and sessions of them. */
export class PeoplesWorld extends World {
  override open(more: Partial<OpenOptions> = {}): Promise<SecureStore> {
    return super.open({ authenticators: [trusting], ...more });
  }

  /** Each with a role of their own. */
  async openWith(people: People): Promise<SecureStore> {
    const store = await this.open();
    await store.access.change(
      Object.entries(people).flatMap(([name, rules]) => [
        setRole(`role of ${name}`, rules),
        addPrincipal(name, 'user'),
        grantRole(name, `role of ${name}`),
      ]),
    );
    return store;
  }
}

export function as(store: SecureStore, principal: string, ...roles: string[]): Promise<Session> {
  return store.session({ principal, roles });
}
