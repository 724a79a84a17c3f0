/*
 * `small-objects.ts WHO WORK SUITE COUNT`: stores or retrieves COUNT objects of 1 KiB in memory whenever it is asked to,
 * and gives how many a second. It works for a while before, so that no sample measures how V8 compiles it: starting is a
 * row of its own.
 */
import { createSecretKey, randomBytes } from 'node:crypto';
import type { SecureStore } from 'securestore';
import { inFlight, rate } from '../measure/measure.ts';
import { createOurs } from '../measure/ours.ts';
import { serveSamples } from '../measure/serve-samples.ts';
import { bareHeader, bareToken, openBare, sealBare } from '../raw/record.ts';
import { leastObjects } from '../raw/least-objects.ts';
import { SEALERS } from '../rivals/sealers.ts';
import type { Sealer } from '../rivals/sealers.ts';

const BODY: Uint8Array = randomBytes(1024);
const METADATA = { owner: 'ops' };
const nameOf = (index: number): string => `app/secrets/${index}`;

const [who = '', work = '', suiteId = '', counted = ''] = process.argv.slice(2);
const suite = suiteId === '2' ? 2 : 1;
const count = Number(counted);
type Sampler = () => Promise<number>;

/** How long it works before it is measured, in milliseconds. */
const WARM_UP = 2000;

const sampler = await samplerOf(who);
for (const begun = performance.now(); performance.now() - begun < WARM_UP;) await sampler();
serveSamples(sampler);

async function samplerOf(contender: string): Promise<Sampler> {
  if (contender === 'ours') return ofOurs();
  if (contender === 'least') return ofLeast();
  const sealer = SEALERS[contender];
  return sealer === undefined ? ofRaw() : ofRival(await sealer());
}

function oneByOne(step: (index: number) => Promise<unknown>): Promise<number> {
  return rate(count, () => inFlight(count, 1, step));
}

function inTurn(step: (index: number) => unknown): Promise<number> {
  return rate(count, () => {
    for (let index = 0; index < count; index += 1) step(index);
  });
}

function storing(store: SecureStore): Promise<number> {
  return oneByOne((index) => store.store(nameOf(index), BODY, { metadata: METADATA }));
}

async function ofOurs(): Promise<Sampler> {
  if (work === 'retrieve') {
    const store = await createOurs('memory:', { suite });
    await storing(store);
    return () => oneByOne((index) => store.retrieve(nameOf(index)));
  }
  // New objects: each sample has a store of its own.
  return async () => {
    await using fresh = await createOurs('memory:', { suite });
    return await storing(fresh);
  };
}

async function ofLeast(): Promise<Sampler> {
  if (work === 'retrieve') {
    const objects = await leastObjects(suite);
    for (let index = 0; index < count; index += 1) objects.store(nameOf(index), BODY, METADATA);
    return () => inTurn((index) => objects.retrieve(nameOf(index)));
  }
  return async () => {
    const objects = await leastObjects(suite);
    return inTurn((index) => objects.store(nameOf(index), BODY, METADATA));
  };
}

async function ofRival(rival: Sealer): Promise<Sampler> {
  const sealed = await rival.seal(BODY);
  return () => oneByOne(work === 'retrieve' ? () => rival.open(sealed) : () => rival.seal(BODY));
}

function ofRaw(): Sampler {
  const key = createSecretKey(randomBytes(32));
  const header = bareHeader();
  const parent = randomBytes(16);
  const record = sealBare(key, header, BODY);
  const step = (index: number): void => {
    if (work === 'retrieve') return void openBare(key, record);
    bareToken(key, key, parent, nameOf(index));
    sealBare(key, header, BODY);
  };
  return () => inTurn(step);
}
