import { Pool } from 'undici';
import { inFlight } from '../measure/measure.ts';

/** A server, and how one thing is asked of it. */
export interface Served {
  readonly url: string;
  readonly request: (index: number) => {
    readonly method: 'GET' | 'PUT' | 'POST';
    readonly path: string;
    readonly headers: Readonly<Record<string, string>>;
    readonly body?: Uint8Array | string;
  };
}

/** What a load found: requests a second, and what half and 99 of 100 took at most, in milliseconds. */
export interface LoadFigures {
  readonly rate: number;
  readonly p50: number;
  readonly p99: number;
}

/** Sends `count` requests over as many connections as are under way at once. @throws Error where one is not answered well */
export async function load({ url, request }: Served, count: number, width: number): Promise<LoadFigures> {
  const pool = new Pool(url, { connections: width });
  const took: number[] = [];
  try {
    const begun = performance.now();
    await inFlight(count, width, async (index) => {
      const sent = performance.now();
      const { method, path, headers, body } = request(index);
      const answer = await pool.request({ method, path, headers, body: body ?? null });
      await answer.body.arrayBuffer();
      took.push(performance.now() - sent);
      if (answer.statusCode >= 300) throw new Error(`${method} ${path} was answered with ${answer.statusCode}`);
    });
    const seconds = (performance.now() - begun) / 1000;
    const sorted = took.toSorted((a, b) => a - b);
    const at = (share: number): number => sorted[Math.floor(sorted.length * share)] ?? Number.NaN;
    return { rate: count / seconds, p50: at(0.5), p99: at(0.99) };
  } finally {
    await pool.close();
  }
}
