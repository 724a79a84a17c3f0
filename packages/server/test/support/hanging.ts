import { request } from 'node:http';
import type { ClientRequest } from 'node:http';
import { onTestFinished } from 'vitest';
import { until } from './worker-world.ts';

const RAW = 'application/octet-stream';

interface Hanging {
  readonly asked: ClientRequest;
  /** Whether there was no place for it. */
  isRefused: boolean;
}

/** Begins to store an object, and never ends; the request counts until it is destroyed. Resolves when a worker has it. */
async function hanging(port: number, token: string, key: string): Promise<Hanging> {
  const headers = { authorization: `Bearer ${token}`, 'content-type': RAW, expect: '100-continue' };
  const asked = request({ port, method: 'PUT', path: `/v1/objects/${key}`, headers, agent: false });
  const begun: Hanging = { asked, isRefused: false };
  onTestFinished(() => void asked.destroy());
  await new Promise<void>((resolve) => {
    const refuse = (): void => {
      begun.isRefused = true;
      resolve();
    };
    asked.on('error', refuse).on('response', refuse).on('continue', resolve);
    asked.flushHeaders();
  });
  asked.write('begun');
  return begun;
}

/** So many refusals, one after the other, reach every worker. */
const REFUSALS = 6;

/** Begins requests that never end, until they have all of the `places` that a limit leaves. */
export async function fill(
  port: number,
  token: string,
  places: number,
  status: () => Promise<number>,
): Promise<readonly ClientRequest[]> {
  const all: Hanging[] = [];
  let refusals = 0;
  await until('no place is left', async () => {
    // Requests that were answered before free their places a moment later: one may be refused until then.
    const isFull = all.filter(({ isRefused }) => !isRefused).length === places;
    if (!isFull) all.push(await hanging(port, token, `k${all.length}`));
    else if ((await status()) === 429) return (refusals += 1) === REFUSALS;
    refusals = 0;
    return false;
  });
  return all.map(({ asked }) => asked);
}
