import { MongoClient } from 'mongodb';
import { openStore, rawKey } from 'securestore';
import { describe, expect, inject, onTestFinished, test } from 'vitest';
import { COUNTERS, countTogether, runJob } from '../../backend-redis/test/support/run-process.ts';
import { takeTour } from '../../backend-redis/test/support/tour.ts';
import { CHUNKS, memoryPlace, roundTrip } from '../../securestore/test/support/round-trip.ts';
import { MongodbBackend } from '../src/index.ts';
import { freshUrl, openAt } from './support/stores.ts';
import { LONG, onlyLong } from '../../../tools/campaigns/src/size.ts';

const server = inject('mongodb');
const url = 'url' in server ? server.url : '';

describe.skipIf('skip' in server)('a store on a server', () => {
  test('does what stores do', async () => runJob(freshUrl(url), 'tour'));

  test.runIf(LONG)(
    onlyLong('takes the tour'),
    async () => {
      const storeUrl = freshUrl(url);
      await takeTour(storeUrl, await openAt(storeUrl));
    },
    300_000,
  );

  test.runIf(LONG)(
    onlyLong('holds backups, is backed up, and is restored to'),
    async () => {
      await roundTrip({ from: memoryPlace(), through: freshUrl(url), to: freshUrl(url) });
      await roundTrip({ from: freshUrl(url), through: memoryPlace(), to: memoryPlace() }, CHUNKS);
    },
    300_000,
  );

  test.runIf(LONG)(onlyLong(`counts exactly under ${COUNTERS} processes`), async () => {
    await countTogether(freshUrl(url), 5);
  });

  test('sends one command for a new object, and one to read it', async () => {
    const storeUrl = freshUrl(url);
    const commands: string[] = [];
    const client = new MongoClient(url, { monitorCommands: true });
    // A store looks at its head every other second, beside what it does.
    client.on('commandStarted', ({ commandName, command }) => {
      if (!JSON.stringify(command).includes('"_id":"store"')) commands.push(commandName);
    });
    onTestFinished(async () => client.close());
    const backend = new MongodbBackend();
    await backend.init({ url: storeUrl, options: {}, client });
    const store = await openStore(storeUrl, {
      backend,
      unlock: rawKey(Buffer.alloc(32, 7)),
      create: true,
      maintenance: false,
    });
    onTestFinished(async () => store.close());
    await store.store('first', 'x');
    commands.length = 0;
    await store.store('db/password', 's3cr3t');
    expect(commands.splice(0)).toEqual(['findAndModify']);
    expect((await store.retrieve('db/password')).text()).toBe('s3cr3t');
    expect(commands.splice(0)).toEqual(['aggregate']);
  });
});
