/**
 * The process that one server belongs to: `keeper.ts <service> durable|passing [argument of the server]...`. It prepares and starts the server, obeys the
 * process that started it, and ends with that process, however that ends, leaving neither server nor files.
 */
import { randomBytes } from 'node:crypto';
import { chown, mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePort } from '../service/ports.ts';
import { findProgram } from '../service/programs.ts';
import { EndedAtOnce, Runner, userNamed } from '../service/runner.ts';
import type { Place, Service } from '../service/service.ts';
import { serviceNamed } from './services.ts';

/** What the keeper is told: run the server (again), or kill it as a crash would. */
export type Order = 'start' | 'kill';
/** What it answers to each order. */
export type Answer = { readonly url: string; readonly pid: number } | { readonly failed: string } | 'killed';

const [name, durability, ...more] = process.argv.slice(2);
const service = serviceNamed(name);
const user = process.getuid?.() === 0 && service.user !== undefined ? await userNamed(service.user) : undefined;
const folder = await mkdtemp(join(tmpdir(), `securestore-${service.name}-`));
if (user !== undefined) await chown(folder, user.uid, user.gid);
/** How often the server is started: whoever is faster may take the port that was chosen for it. */
const ATTEMPTS = 5;
/** What runs the server, from the first attempt on. */
let runner: Runner | undefined;
/** Where it has been started. */
let place: Place | undefined;

async function settle(own: string, kind: Service, by: Runner): Promise<Place> {
  const settled: Place = {
    folder: own,
    port: await freePort(),
    password: randomBytes(12).toString('hex'),
    durable: durability === 'durable',
    program: (file) => findProgram(kind, file) ?? file,
    run: async (file, args) => by.run(findProgram(kind, file) ?? file, args),
  };
  await kind.prepare(settled);
  return settled;
}

async function attemptToStart(attempt: number): Promise<Answer> {
  const own = join(folder, String(attempt));
  await mkdir(own, { mode: 0o700 });
  if (user !== undefined) await chown(own, user.uid, user.gid);
  runner = new Runner(service, own, user);
  const settled = await settle(own, service, runner);
  const pid = await runner.start(settled, more);
  place = settled;
  return { url: service.url(place), pid };
}

async function start(): Promise<Answer> {
  if (place !== undefined && runner !== undefined) {
    return { url: service.url(place), pid: await runner.start(place, more) };
  }
  for (let attempt = 1; ; attempt++) {
    try {
      return await attemptToStart(attempt);
    } catch (error) {
      if (!(error instanceof EndedAtOnce) || attempt === ATTEMPTS) throw error;
    }
  }
}

async function obey(order: Order): Promise<Answer> {
  try {
    if (order === 'start') return await start();
    await runner?.kill();
    return 'killed';
  } catch (error) {
    return { failed: error instanceof Error ? error.message : String(error) };
  }
}

async function leave(): Promise<void> {
  await runner?.stop();
  await rm(folder, { recursive: true, force: true, maxRetries: 10 });
  process.exit();
}

process.on('message', (order: Order) => {
  void obey(order).then((answer) => process.connected && process.send?.(answer));
});
process.once('disconnect', () => void leave());
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(signal, () => void leave());
if (!process.connected) await leave();
