import { ACTIONS } from '@securestore/acl';
import type { Action } from '@securestore/acl';
import { createStore, rawKey, setApprovals } from 'securestore';
import type { Rule } from 'securestore';
import { describe, expect, it } from 'vitest';
import { FakeClock } from '../../jobs/test/support/clock.ts';
import { EagerClock } from '../../objects/test/support/eager-clock.ts';
import type { Operation } from './support/interface.ts';
import { bodyFor, operationsOf, pathFor } from './support/interface.ts';
import type { Answer, World } from './support/world.ts';
import { codeIn, EVERYTHING, world } from './support/world.ts';
import { LONG } from '../../../tools/campaigns/src/size.ts';

/** What takes no action of the access policy. Anything more needs a reason here. */
const WITHOUT_ACTION: Readonly<Record<string, string>> = {
  'GET /healthz': 'says nothing but that the process lives',
  'GET /openapi.json': 'the same for everybody, and nothing of the store',
  'GET /v1/store': 'who one is oneself, and which store this is',
  'GET /v1/approvals': 'shows those of the caller, and those that the caller may approve',
  'GET /v1/work': 'shows what the caller has started, and of that what they may do still',
  'GET /v1/work/{id}': 'as the list of it',
  'GET /v1/work/{id}/events': 'as the list of it',
  'DELETE /v1/work/{id}': 'forgets what the caller has started, of which nothing else depends',
  'POST /v1/approvals': 'takes the right to do what is asked for',
};

const nameOf = ({ method, path }: Operation): string => `${method} ${path}`;

function ask({ send }: World, operation: Operation, token: string | undefined, id?: string): Promise<Answer> {
  const given = bodyFor(operation);
  return send(operation.method, pathFor(operation, 'there', id), {
    token,
    headers: given === undefined ? {} : { 'content-type': given.type },
    body: given?.body,
  });
}

async function requestBy({ send, store }: World, token: string): Promise<string> {
  await store.access.change(setApprovals([{ actions: ['purge'], keys: ['asked/**'] }]));
  const body = JSON.stringify({ action: 'purge', key: 'asked/for' });
  const answer = await send('POST', '/v1/approvals', { token, headers: { 'content-type': 'application/json' }, body });
  return (answer.json() as { id: string }).id;
}

const only = (actions: readonly Action[]): Rule[] => [{ effect: 'allow', actions }];
const allBut = (action: Action): Rule[] => only(ACTIONS.filter((one) => one !== action));

describe('the role matrix', () => {
  // T-SERVER-01
  it('has a rule for every route', async () => {
    const here = await world();
    const operations = await operationsOf(here, await here.somebody('ann', EVERYTHING));
    expect(operations.length).toBeGreaterThan(15);
    for (const operation of operations) {
      const { call, action } = operation.access;
      const reason = WITHOUT_ACTION[nameOf(operation)];
      if (reason !== undefined) expect([null, undefined], nameOf(operation)).toContain(action);
      else expect(ACTIONS, nameOf(operation)).toContain(action);
      expect(call === null && !nameOf(operation).includes('approvals'), nameOf(operation)).toBe(
        reason !== undefined && !nameOf(operation).includes('approvals'),
      );
    }
  });

  // T-SERVER-01
  it('lets nobody in without good credentials, but for liveness', async () => {
    const clock = new FakeClock();
    const unlimited = { failuresPerAddress: 1e9 };
    const here = await world({ clock, limits: unlimited }, { clock });
    const { store } = here;
    const token = await here.somebody('ann', EVERYTHING);
    const operations = await operationsOf(here, token);
    const revoked = await store.access.createToken('ann');
    await store.access.revokeToken(revoked.id);
    const expired = await store.access.createToken('ann', { expires: new Date(clock.now() + 1000) });
    clock.advance(1000);
    await using other = await createStore('memory:', { unlock: rawKey(Buffer.alloc(32, 1)) });
    const { addPrincipal } = await import('securestore');
    await other.access.change(addPrincipal('ann', 'service'));
    const foreign = await other.access.createToken('ann');
    const wrong = [
      undefined,
      'x',
      'sst_',
      `${token.slice(0, -1)}${token.endsWith('A') ? 'B' : 'A'}`,
      token.slice(0, -1),
      `${token}A`,
      token.toUpperCase(),
      revoked.token,
      expired.token,
      foreign.token,
      'eyJhbGciOiJub25lIn0.eyJzdWIiOiJhbm4ifQ.',
    ];
    for (const [at, operation] of operations.entries()) {
      const isPublic = operation.path === '/healthz';
      // In a short run none at all, and some of the others at each route.
      const some = LONG ? wrong : wrong.filter((_, one) => one === 0 || one % 4 === at % 4);
      for (const credentials of some) {
        const answer = await ask(here, operation, credentials);
        expect(answer.status, `${nameOf(operation)} ${credentials}`).toBe(isPublic ? 200 : 401);
        if (!isPublic) expect(answer.headers['www-authenticate']).toBe('Bearer');
      }
    }
    for (const [method, path] of [
      ['GET', '/nowhere'],
      ['DELETE', '/v1/keys'],
      ['GET', '/v1'],
      ['OPTIONS', '/v1/keys'],
      ['TRACE', '/'],
    ] as const) {
      expect((await here.send(method, path)).status, path).toBe(401);
      expect((await here.send(method, path, { token })).status, path).toBe(404);
    }
    expect(await store.list()).toEqual([]);
  });

  it('takes credentials once, in one header, in one form', async () => {
    const here = await world();
    const token = await here.somebody('ann', EVERYTHING);
    const statuses = async (authorization: string | string[]): Promise<number> =>
      (await here.send('GET', '/v1/store', { headers: { authorization } })).status;
    expect(await statuses(`Bearer ${token}`)).toBe(200);
    expect(await statuses(`bearer ${token}`)).toBe(200);
    for (const wrong of [
      token,
      `Basic ${Buffer.from(`ann:${token}`).toString('base64')}`,
      `Bearer ${token}, Bearer ${token}`,
      `Bearer ${token} x`,
      `Bearer${token}`,
      'Bearer',
      `Bearer ${'a.b.c'.repeat(4000)}`.slice(0, 15_000),
    ]) {
      expect(await statuses(wrong), wrong.slice(0, 20)).toBe(401);
    }
    expect((await here.send('GET', `/v1/store?token=${token}`)).status).toBe(401);
    // Two of them: a proxy may have looked at the other one.
    const twice = `GET /v1/store HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${token}\r\nAuthorization: Bearer x\r\nConnection: close\r\n\r\n`;
    expect(await here.raw(twice)).toContain(' 401 ');
  });

  it('allows what the action of a route allows, and nothing without it', async () => {
    const clock = new EagerClock();
    const here = await world({ clock }, { clock });
    const { store } = here;
    const asker = await here.somebody('asker', only(['purge']));
    const operations = (await operationsOf(here, await here.somebody('ann', EVERYTHING))).filter(
      ({ access }) => access.action !== null && access.action !== undefined,
    );
    for (const operation of operations.filter((_, at) => LONG || at % 3 === 0)) {
      const { action, further = [] } = operation.access as { action: Action; further?: readonly Action[] };
      const name = nameOf(operation);
      const other = await here.somebody(`all but ${name}`, allBut(action));
      const before = await store.store('there', 'before');
      // What somebody else has asked for, in the place of an id.
      const id = operation.path.includes('/approvals/') ? await requestBy(here, asker) : undefined;
      const denied = await ask(here, operation, other, id);
      const isSilent = operation.method === 'HEAD';
      // Listings show nothing of what may not be seen, to whoever asks.
      if (action === 'list' && operation.path === '/v1/keys') expect(denied.json()).toEqual({ keys: [] });
      else if (operation.path === '/v1/entries') expect(denied.json()).toEqual({ entries: [] });
      else expect(isSilent ? denied.status : codeIn(denied), nameOf(operation)).toBe(isSilent ? 403 : 'ACCESS_DENIED');
      expect(await store.info('there'), nameOf(operation)).toEqual(before);
      // What it takes besides depends on what is asked for.
      const holder = await here.somebody(`only ${name}`, only([action, ...further]));
      const allowed = await ask(here, operation, holder, id);
      expect([401, 403], `${nameOf(operation)}: ${allowed.body.toString()}`).not.toContain(allowed.status);
      expect(allowed.status, `${nameOf(operation)}: ${allowed.body.toString()}`).toBeLessThan(500);
    }
  });
});
