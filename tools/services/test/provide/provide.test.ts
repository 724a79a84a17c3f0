import { describe, expect, it } from 'vitest';
import { provideServer } from '../../src/provide/provide.ts';
import type { Surroundings } from '../../src/provide/provide.ts';
import type { Server } from '../../src/provide/server.ts';
import { redis } from '../../src/servers/redis.ts';

const unused = async (): Promise<void> => undefined;

function surroundings(
  changes: Partial<Surroundings>,
): Surroundings & { readonly lines: string[]; readonly stopped: string[] } {
  const lines: string[] = [];
  const stopped: string[] = [];
  const server: Server = {
    url: 'redis://started',
    pid: 1,
    kill: unused,
    restart: unused,
    stop: async () => void stopped.push('redis'),
  };
  return {
    env: {},
    root: false,
    log: (line) => void lines.push(line),
    install: async () => undefined,
    start: async () => server,
    lines,
    stopped,
    ...changes,
  };
}

describe('a server for tests', () => {
  it('is started, and ended when it is not needed any more', async () => {
    const around = surroundings({});
    const { provided, stop } = await provideServer(redis, around);
    expect(provided).toEqual({ url: 'redis://started', own: true });
    expect(around.stopped).toEqual([]);
    await stop();
    expect(around.stopped).toEqual(['redis']);
  });

  it('is the one that the variable names, and then none is installed, started or ended', async () => {
    const around = surroundings({
      env: { SECURESTORE_TEST_REDIS_URL: 'redis://given', CI: 'true' },
      install: async () => expect.unreachable(),
      start: async () => expect.unreachable(),
    });
    const { provided, stop } = await provideServer(redis, around);
    expect(provided).toEqual({ url: 'redis://given', own: false });
    await stop();
    expect(around.stopped).toEqual([]);
  });

  it.each([
    ['can not be installed', { install: async () => 'no such package' }, /no such package/],
    ['does not start', { start: async () => Promise.reject(new Error('port taken')) }, /port taken/],
  ])('that %s skips its tests with the reason, and fails the run as root and in CI', async (_, changes, reason) => {
    const around = surroundings(changes);
    const { provided } = await provideServer(redis, around);
    expect(provided).toEqual({ skip: expect.stringMatching(reason) });
    expect(around.lines).toEqual([expect.stringMatching(reason)]);
    await expect(provideServer(redis, surroundings({ ...changes, root: true }))).rejects.toThrow(reason);
    await expect(provideServer(redis, surroundings({ ...changes, env: { CI: 'true' } }))).rejects.toThrow(reason);
  });

  it('is asked for with the right to install where that was said', async () => {
    const asked: unknown[] = [];
    const install = async (_: unknown, rights: unknown): Promise<undefined> => void asked.push(rights);
    await provideServer(redis, surroundings({ install }));
    await provideServer(redis, surroundings({ install, env: { SECURESTORE_SERVICES: 'install' } }));
    expect(asked).toEqual([
      { root: false, asked: false },
      { root: false, asked: true },
    ]);
  });
});
