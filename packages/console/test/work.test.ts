import { afterEach, expect, it, vi } from 'vitest';

/** Of the page, whose modules know a browser. */
interface Pages {
  readonly Work: new () => {
    readonly state: { readonly value: object };
    start(path: string, asked: unknown): Promise<void>;
  };
  readonly forget: () => void;
}

async function pages(): Promise<Pages> {
  const from = async (name: string): Promise<Partial<Pages>> =>
    (await import(new URL(`../src/pages/lib/${name}.ts`, import.meta.url).href)) as Partial<Pages>;
  return { ...(await from('work')), ...(await from('ending')) } as Pages;
}

afterEach(() => {
  vi.unstubAllGlobals();
  vi.useRealTimers();
});

it('work of a session tells nothing any more once that has ended, also if the server is just being asked', async () => {
  vi.useFakeTimers();
  const asked: string[] = [];
  vi.stubGlobal('fetch', async (path: string, { signal }: { signal: AbortSignal }) => {
    asked.push(path);
    // The connection is lost at once; what is asked then gets no answer.
    if (asked.length === 1) return new Response('event: job\ndata: {"id":"j","record":"r"}\n\n');
    return new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason)));
  });
  const { Work, forget } = await pages();
  const work = new Work();
  const followed = work.start('/v1/restore', {});
  await vi.advanceTimersByTimeAsync(7000);
  expect(asked).toEqual(['/v1/restore', '/v1/work/r']);
  forget();
  await vi.advanceTimersByTimeAsync(7000);
  expect(work.state.value).toEqual({ state: 'idle' });
  await followed;
  expect(asked).toHaveLength(2);
});

it.each(['<html>Sign in to the network</html>', '', 'data: {}\n\n'])(
  'work that is answered with something else has failed, and does not run on for ever: %j',
  async (answer) => {
    vi.stubGlobal('fetch', async () => new Response(answer));
    const { Work } = await pages();
    const work = new Work();
    await work.start('/v1/restore', {});
    expect(work.state.value).toMatchObject({ state: 'failed', error: { code: 'UNREADABLE', retryable: true } });
  },
);
