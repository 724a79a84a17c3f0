import type { StorageBackend } from '@securestore/backend-api';
import { expect, test } from 'vitest';
import { httpProxyTo } from './http-proxy.ts';

const SHORT = Buffer.from('short');
const LONG = Buffer.from('a longer body');

/** A service that answers a range past the end with an error, which does not say how long the body is. */
interface Service {
  readonly endpoint: string;
  /** Makes a function that opens one fresh place through any endpoint. */
  readonly place: () => (endpoint: string) => Promise<StorageBackend>;
}

/** Tests reads of a range past the end of a body that another one replaces between two requests of the read. */
export function testReplacedBody({ endpoint, place }: Service): void {
  /** Reads the range while another of the bodies lies there at each request; `undefined`: the one of before. */
  async function readWhile(bodies: (request: number) => Buffer | undefined): Promise<unknown> {
    const open = place();
    const direct = await open(endpoint);
    await direct.write('o/a', SHORT);
    let requests: number | undefined;
    const { origin, pathname } = new URL(endpoint);
    const proxy = await httpProxyTo(origin, {
      refuse: async () => {
        const body = requests === undefined ? undefined : bodies(++requests);
        if (body !== undefined) await direct.write('o/a', body);
        return false;
      },
    });
    const backend = await open(`${proxy.endpoint}${pathname.replace(/\/$/, '')}`);
    requests = 0;
    try {
      const found = await backend.read('o/a', { start: 6, end: 10 });
      return found && { body: Buffer.from(found.body), size: found.size };
    } catch (error) {
      return error;
    }
  }

  test('past the end of a body that a longer one replaces gives the bytes of the longer one', async () => {
    expect(await readWhile(() => undefined)).toEqual({ body: Buffer.alloc(0), size: SHORT.byteLength });
    const replaced = await readWhile((request) => (request === 2 ? LONG : undefined));
    expect(replaced).toEqual({ body: LONG.subarray(6, 10), size: LONG.byteLength });
  });

  test('past the end of a body that is replaced at each request gives what fits to its size', async () => {
    const replaced = await readWhile((request) => (request % 2 === 0 ? LONG : SHORT));
    expect(replaced).toEqual({ body: Buffer.alloc(0), size: SHORT.byteLength });
  });
}
