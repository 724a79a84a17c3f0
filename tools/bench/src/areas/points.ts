import type { Area, Comparison } from '../measure/model.ts';

/** Every second name lies in one folder, the others in many. */
function nameOf(at: number): string {
  return at % 2 === 0 ? `flat/item-${at}` : `teams/team-${at % 997}/svc-${at % 13}/key-${at}`;
}

/** How long the page is waited for by somebody who scrolls or types. */
function page(work: string, count: number, ask: () => Promise<unknown>): Comparison {
  const sample = async (): Promise<number> => {
    const begun = performance.now();
    await ask();
    return performance.now() - begun;
  };
  // Well under a second, whatever the page.
  return {
    work,
    unit: 'ms',
    count,
    contenders: [{ name: 'securestore', role: 'ours', sample }],
    targets: [{ bound: 'at most', factor: 500 }],
  };
}

/** Looking at what a store was: a page of each kind, as a session has it. */
export const points: Area = {
  title: 'A page of what a store of 100,000 objects was, `sqlite:` backed up to `file:`',
  async *comparisons({ scale, scratch }) {
    const { addPrincipal, createStore, grantRole, rawKey, setRole } = await import('securestore');
    const count = Math.max(200, Math.ceil(100_000 * scale));
    const unlock = rawKey(crypto.getRandomValues(new Uint8Array(32)));
    await using store = await createStore(`sqlite:${scratch}/points.db`, { unlock, maintenance: false });
    const destination = `file:${scratch}/points`;
    await store.storeMany(Array.from({ length: count }, (_, at) => ({ key: nameOf(at), data: `value of ${at}` })));
    await store.backup(destination);
    for (let at = 0; at < 100; at++) await store.store(nameOf(at * 2), 'changed');
    await store.backup(destination);
    await store.access.change([
      setRole('all', [{ effect: 'allow', actions: ['*'] }]),
      addPrincipal('ann', 'user'),
      grantRole('ann', 'all'),
    ]);
    await using session = await store.session({ token: (await store.access.createToken('ann')).token });
    const { recoveryPoints: asked } = session;
    const at = { destination, snapshot: 2 };
    yield page('the timeline', count, () => asked.timeline(destination));
    yield page('a folder of folders', count, () => asked.browse({ ...at, prefix: 'teams/' }));
    yield page('a folder of half of all objects', count, () => asked.browse({ ...at, prefix: 'flat/' }));
    yield page('the same, by the beginning of a name', count, () => asked.browse({ ...at, prefix: 'flat/item-9999' }));
    yield page('the same as it is now', count, () => asked.browse({ prefix: 'flat/' }));
    yield page('names with a text in them', count, () => asked.find({ ...at, contains: 'key-99999' }));
    yield page('differences of two points', count, () =>
      asked.compare({ destination, from: { snapshot: 1 }, to: { snapshot: 2 } }),
    );
    yield page('differences until now', count, () => asked.compare({ destination, from: { snapshot: 1 } }));
    yield page('a key over time', count, () => asked.versions(nameOf(0), { destination }));
  },
};
