import { started } from './child.ts';

/** Delays below this are those of the timers. */
const DELAY = 1;

/** The way to a server that lies further away. */
export interface Distance {
  readonly url: string;
  readonly end: () => void;
}

/** Puts a distance between this process and the server of a store URL: at least {@link DELAY} ms each way, in a process of its own. */
export async function awayFrom(url: string): Promise<Distance> {
  const target = new URL(url);
  const program = new URL('../programs/distance.ts', import.meta.url);
  const { line, end } = await started(program, target.hostname, target.port, String(DELAY));
  target.hostname = '127.0.0.1';
  target.port = line;
  return { url: target.href, end };
}
