import { request } from 'node:http';
import type { ClientRequest } from 'node:http';
import { onTestFinished } from 'vitest';
import { until } from './worker-world.ts';

const RAW = 'application/octet-stream';

/** Begins to store an object, and never ends; the request counts until it is destroyed. */
function hanging(port: number, token: string, key: string): ClientRequest {
  const headers = { authorization: `Bearer ${token}`, 'content-type': RAW };
  const asked = request({ port, method: 'PUT', path: `/v1/objects/${key}`, headers, agent: false });
  asked.on('error', () => undefined);
  asked.write('begun');
  onTestFinished(() => void asked.destroy());
  return asked;
}

/** So many refusals, one after the other, reach every worker: each has then freed what was answered before. */
const REFUSALS = 6;

/** Begins requests that never end, until there is no place left for another one. */
export async function fill(
  port: number,
  token: string,
  status: () => Promise<number>,
): Promise<readonly ClientRequest[]> {
  const all: ClientRequest[] = [];
  let refusals = 0;
  await until('no place is left', async () => {
    if ((await status()) === 429) return (refusals += 1) === REFUSALS;
    refusals = 0;
    // The place of the one that asked is free a moment after its answer, and one may be refused until then.
    all.push(hanging(port, token, `k${all.length}`));
    return false;
  });
  return all;
}
