import { request } from 'node:http';
import { disablePrincipal } from 'securestore';
import { expect, it, onTestFinished } from 'vitest';
import type { World } from './support/world.ts';
import { codeIn, world } from './support/world.ts';

const JSON_BODY = { 'content-type': 'application/json' };
const SCRUB = [{ effect: 'allow', actions: ['verify'] }] as const;

/** Begins a scrub that takes long, and resolves when the server has said that it runs. */
async function slowScrub({ port }: World, token: string): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    const headers = { ...JSON_BODY, authorization: `Bearer ${token}`, accept: 'text/event-stream' };
    const asked = request({ port, host: '127.0.0.1', method: 'POST', path: '/v1/scrub', headers, agent: false });
    asked.on('response', (answer) => {
      answer.on('error', () => undefined);
      answer.once('data', () => resolve());
    });
    asked.on('error', reject);
    onTestFinished(() => void asked.destroy());
    asked.end(JSON.stringify({ rate: 1000 }));
  });
}

async function begun(): Promise<World & { readonly ann: string; readonly ben: string }> {
  const here = await world({ limits: { closeTimeout: 100 } });
  const ann = await here.somebody('ann', SCRUB);
  const ben = await here.somebody('ben', []);
  await here.store.store('k', Buffer.alloc(300_000, 1));
  await slowScrub(here, ann);
  return { ...here, ann, ben };
}

// T-SERVER-04
it('a job stays that of whoever has started it, though others ask for the same one and are refused', async () => {
  const here = await begun();
  const asked = await here.send('POST', '/v1/scrub', { token: here.ben, headers: JSON_BODY, body: '{}' });
  expect(codeIn(asked)).toBe('ACCESS_DENIED');
  expect((await here.send('POST', '/v1/jobs/scrub/cancel', { token: here.ann })).status).toBe(200);
});

// T-SERVER-03
it('a job is stopped by nobody whose token was revoked, though they have started it', async () => {
  const here = await begun();
  for (const { id, principal } of await here.store.access.tokens()) {
    if (principal === 'ann') await here.store.access.revokeToken(id);
  }
  expect(codeIn(await here.send('POST', '/v1/jobs/scrub/cancel', { token: here.ann }))).toBe('UNAUTHENTICATED');
});

it('a job is stopped by nobody who is disabled, though they have started it', async () => {
  const here = await begun();
  await here.somebody('root', [{ effect: 'allow', actions: ['*'] }]);
  await here.store.access.change(disablePrincipal('ann', true));
  expect(codeIn(await here.send('POST', '/v1/jobs/scrub/cancel', { token: here.ann }))).toBe('ACCESS_DENIED');
});
