import { randomInt } from 'node:crypto';
import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Fault, Link, Weather } from './proxy-link.ts';

/** A way to a server on which things go wrong as they are told to. */
export interface Proxy {
  /** The store URL through the proxy. */
  readonly url: string;
  /** From now on this goes wrong, and nothing else; without an argument nothing does. */
  set(fault?: Fault): void;
  /** From now on nobody gets through. */
  cut(): void;
  /** From now on what comes from the server is held back, and what goes there passes. */
  holdAnswers(): void;
  /** The next answer, or the one after so many others, is lost, and the connection with it. Later ones get through. */
  loseAnswer(spared?: number): void;
  /** From now on one of so many answers is lost, and the connection with it. */
  loseEvery(count: number): void;
  /** How many answers were lost so far. */
  lost(): number;
  /** Resolves once so many more bytes have been handed on to the server, or were lost. */
  sends(bytes: number): Promise<void>;
  close(): Promise<void>;
}

/**
 * Puts a proxy on the loopback in front of the server of a store URL.
 *
 * @param below - a source of whole numbers below a bound, which decides where connections break and what garbage comes
 */
export async function proxyTo(
  url: string,
  below: (bound: number) => number = (bound) => randomInt(bound),
): Promise<Proxy> {
  const target = new URL(url);
  const port = Number(target.port);
  const host = target.hostname.replace(/^\[(.*)\]$/, '$1');
  const links = new Set<Link>();
  const weather = new Weather(below);
  const server = createServer({ allowHalfOpen: true }, (client) => {
    if (weather.fault === 'away') {
      client.on('error', () => undefined).destroy();
      return;
    }
    const link = new Link(weather, client, { host, port });
    links.add(link);
    void link.ended.then(() => links.delete(link));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const set = (fault?: Fault): void => {
    weather.set(fault);
    weather.spared = 0;
    for (const link of links) if (fault === 'away' || link.garbled) link.end();
  };
  target.hostname = '127.0.0.1';
  target.port = String((server.address() as AddressInfo).port);
  return {
    url: target.href,
    set,
    cut: () => set('away'),
    holdAnswers: () => set('hold'),
    loseAnswer: (spared = 0) => {
      set('lose-answer');
      weather.spared = spared;
    },
    loseEvery: (count) => {
      set('lose-answers');
      weather.every = count;
      weather.spared = count - 1;
    },
    lost: () => weather.lost,
    sends: async (bytes) => {
      const enough = weather.sent + bytes;
      while (weather.sent < enough) await sleep(1);
    },
    close: async () => {
      set('away');
      server.close();
      await once(server, 'close');
    },
  };
}
