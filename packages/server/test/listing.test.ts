import { describe, expect, it } from 'vitest';
import type { Rule } from 'securestore';
import { openRemoteStore } from '../../client/src/index.ts';
import { codeIn, world } from './support/world.ts';

const KEYS = Array.from({ length: 40 }, (_, at) => `secret/${String(at).padStart(2, '0')}`);

async function scene(rules: readonly Rule[] = [{ effect: 'allow', actions: ['list', 'read'], keys: ['*/*7'] }]) {
  const here = await world({ limits: { namesPerPage: 5 } });
  for (const key of KEYS) await here.store.store(key, key);
  return { ...here, token: await here.somebody('ann', rules) };
}

interface Page {
  readonly keys?: string[];
  readonly entries?: { key: string }[];
  readonly after?: string;
  readonly next?: string;
}

describe('a page of a listing', () => {
  it.each(['keys', 'entries'] as const)(
    'of %s ends after a bounded number of names, and may be empty',
    async (kind) => {
      const { send, token } = await scene();
      const found: string[] = [];
      let [pages, empty] = [0, 0];
      for (let query: string | undefined = ''; query !== undefined;) {
        const answer = await send('GET', `/v1/${kind}?limit=2${query}`, { token });
        expect(answer.status, answer.body.toString()).toBe(200);
        const { keys, entries, after, next } = answer.json() as Page;
        const names = keys ?? entries?.map(({ key }) => key) ?? [];
        expect(names.length).toBeLessThanOrEqual(2);
        found.push(...names);
        pages += 1;
        if (names.length === 0) empty += 1;
        // The position hides the name: the caller may not see it.
        expect(next === undefined || after === undefined).toBe(true);
        query =
          after === undefined
            ? next === undefined
              ? undefined
              : `&next=${encodeURIComponent(next)}`
            : `&after=${encodeURIComponent(after)}`;
      }
      expect(found.toSorted()).toEqual(KEYS.filter((key) => key.endsWith('7')));
      expect(pages).toBeGreaterThanOrEqual(8);
      expect(empty).toBeGreaterThan(0);
    },
  );

  it('goes on from nothing that was made up, and from one place', async () => {
    const { send, token } = await scene();
    for (const query of ['next=x', `next=${'A'.repeat(400)}`, `next=${'A'.repeat(5000)}`, 'next=']) {
      expect(codeIn(await send('GET', `/v1/keys?${query}`, { token })), query).toBe('INVALID_ARGUMENT');
    }
    const { next = '' } = (await send('GET', '/v1/keys', { token })).json() as Page;
    expect(codeIn(await send('GET', `/v1/keys?next=${next}&after=a`, { token }))).toBe('INVALID_ARGUMENT');
    expect(codeIn(await send('GET', `/v1/entries?next=${next}`, { token }))).toBe('INVALID_ARGUMENT');
    expect(codeIn(await send('GET', `/v1/keys?next=${next}&prefix=s`, { token }))).toBe('INVALID_ARGUMENT');
  });

  it('is followed to the end by the remote client, empty or not', async () => {
    const { port, token } = await scene();
    await using remote = await openRemoteStore(`http://127.0.0.1:${port}`, { credentials: { token } });
    const shown = KEYS.filter((key) => key.endsWith('7'));
    expect(await remote.list()).toEqual(shown);
    expect((await Array.fromAsync(remote.keys('secret/'))).toSorted()).toEqual(shown);
    expect((await Array.fromAsync(remote.entries(), ({ key }) => key)).toSorted()).toEqual(shown);
  });
});
