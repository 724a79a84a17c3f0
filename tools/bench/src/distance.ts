import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';

/** Delays below this are those of the timers. */
const DELAY = 1;

/** The way to a server that lies further away. */
export interface Distance {
  readonly url: string;
  readonly end: () => void;
}

/** Puts a distance between this process and the server of a location: at least {@link DELAY} ms each way, in a process of its own. */
export async function awayFrom(location: string): Promise<Distance> {
  const target = new URL(location);
  const program = join(import.meta.dirname, 'programs/distance.ts');
  const child = spawn(process.execPath, [program, target.hostname, target.port, String(DELAY)], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const [line] = (await once(child.stdout.setEncoding('utf8'), 'data')) as [string];
  target.hostname = '127.0.0.1';
  target.port = line.trim();
  return { url: target.href, end: () => child.stdin.end() };
}
