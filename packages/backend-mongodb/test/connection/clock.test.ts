import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { MongoClient } from 'mongodb';
import { expect, inject, onTestFinished, test, vi } from 'vitest';
import { startServer } from '../../../../tools/services/src/provide/server.ts';
import { CLOCK_FILE, clockSettings, mongodb } from '../../../../tools/services/src/servers/mongodb.ts';
import { MongodbBackend } from '../../src/index.ts';
import { freshUrl, openAt, utf8 } from '../support/stores.ts';
import { LONG, onlyLong } from '../../../../tools/campaigns/src/size.ts';

const provided = inject('mongodb');
const NO_SERVER = 'skip' in provided ? provided.skip : provided.own ? undefined : `${mongodb.variable} is set`;
const NO_FAKETIME = clockSettings('') === undefined ? 'there is no faketime to set a clock back with' : undefined;

test.runIf(LONG)(
  onlyLong('times never run backwards by more than is declared, though the clock of the server is set back'),
  async (context) => {
    const reason = NO_SERVER ?? NO_FAKETIME;
    if (reason !== undefined) context.skip(reason);
    const folder = mkdtempSync(join(tmpdir(), 'securestore-clock-'));
    onTestFinished(() => rmSync(folder, { recursive: true }));
    const clock = join(folder, 'clock');
    writeFileSync(clock, '+0');
    vi.stubEnv(CLOCK_FILE, clock);
    onTestFinished(() => void vi.unstubAllEnvs());
    const server = await startServer(mongodb);
    onTestFinished(async () => server.stop());

    const url = freshUrl(server.url);
    const writer = await openAt(url);
    const { clockSkew } = writer.capabilities;
    await writer.write('o/first', utf8('x'));
    // One that has last heard of the time before the clock goes ahead, and is told by the answer to its next write.
    let commands = 0;
    const client = new MongoClient(server.url, { monitorCommands: true });
    client.on('commandStarted', () => void commands++);
    onTestFinished(async () => client.close());
    const idle = new MongodbBackend();
    await idle.init({ url, options: {}, client });
    writeFileSync(clock, '+60');
    const { modified: latest = 0 } = await writer.write('o/latest', utf8('x'));
    expect(latest - Date.now()).toBeGreaterThan(30_000);
    writeFileSync(clock, '-1h');

    commands = 0;
    const { modified: next = 0 } = await idle.write('o/next', utf8('x'), { ifAbsent: true });
    expect(next).toBeGreaterThanOrEqual(latest - clockSkew);
    expect(await idle.read('o/next')).toMatchObject({ modified: next });
    // The write, what dated it anew, and the read; from then on it knows.
    expect(commands).toBe(3);
    await idle.write('o/known', utf8('x'));
    expect(commands).toBe(4);

    const fresh = await openAt(url);
    for (const [round, backend] of [writer, idle, fresh].entries()) {
      const { modified } = await backend.write(`o/${round}`, utf8('x'), { ifAbsent: true });
      expect(modified).toBeGreaterThanOrEqual(latest - clockSkew);
      expect((await backend.read(`o/${round}`))?.now).toBeGreaterThanOrEqual(latest - clockSkew);
    }
    const { entries } = await fresh.list('o/');
    const early = entries.filter(({ modified }) => modified < latest - clockSkew);
    expect(early.map(({ key }) => key)).toEqual(['o/first']);
  },
);
