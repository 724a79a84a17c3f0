import assert from 'node:assert/strict';
import type { BatchOperation, StorageBackend } from '@securestore/backend-api';
import { isWhole, selfProving } from '../../../../backend-fs/test/support/bodies.ts';
import { type RandomBelow, pick } from '../../../../backend-testkit/src/support/random.ts';
import { type Change, KeyStory } from './key-story.ts';
import { type Kind, type Settled, checkFailure, settled } from './settled.ts';

/** Steps with one set of keys, after which come others: what is late can't disturb for long. */
const STEPS = 12;
const NAMES = ['a', 'a/b', 'c'];
export const COUNTER = 'counter';

/** What all workers of one campaign were told. */
export interface Story {
  readonly keys: KeyStory[];
  /** The keys of each batch, of which all are there or none. */
  readonly batches: KeyStory[][];
  /** Changes that were acknowledged, whose outcome is unknown, and that failed for sure by a fault; reads that gave something. */
  readonly counts: { acknowledged: number; unknown: number; failed: number; read: number };
  readonly counter: { acknowledged: number; unknown: number };
}

/** Who does one thing after the other, on keys that nobody else changes. */
export interface Worker {
  readonly backend: StorageBackend;
  readonly below: RandomBelow;
  readonly prefix: string;
  readonly story: Story;
  readonly stop: AbortSignal;
}

interface Step extends Worker {
  readonly keys: readonly KeyStory[];
  /** Never the same twice. */
  readonly text: string;
}

type Call<T> = (signal: AbortSignal | undefined) => Promise<T>;

/** Makes one call; some are aborted at some moment. */
async function call<T>({ below }: Step, what: string, kind: Omit<Kind, 'signal'>, run: Call<T>): Promise<Settled<T>> {
  const signal = below(8) === 0 ? AbortSignal.timeout(1 + below(60)) : undefined;
  const came = await settled(what, run(signal));
  if ('error' in came) checkFailure(what, came.error, { ...kind, signal });
  return came;
}

/** Makes changes of some keys in one call, and tells their stories what came of it. */
async function change<T>(
  step: Step,
  what: string,
  changes: readonly (readonly [KeyStory, Change])[],
  run: Call<T>,
  etagsOf: (result: T) => readonly (string | undefined)[],
): Promise<void> {
  const { counts } = step.story;
  const conditional = changes.some(
    ([, { condition }]) => condition.ifAbsent === true || condition.ifMatch !== undefined,
  );
  const came = await call(step, what, { mutates: true, conditional }, run);
  if ('result' in came) {
    const etags = etagsOf(came.result);
    for (const [index, [key, made]] of changes.entries()) key.acknowledged(made, etags[index]);
    counts.acknowledged += 1;
  } else if (came.error.code === 'CONFLICT') {
    const [key, made] = changes[came.error.index ?? 0] ?? [];
    assert.ok(key !== undefined && made !== undefined, `${what} failed on a condition that it does not have`);
    key.refused(made);
  } else if (came.error.outcome === 'unknown') {
    for (const [key, made] of changes) key.uncertain(made);
    counts.unknown += 1;
  } else {
    counts.failed += 1;
  }
}

function conditionOf({ below }: Step, { etag }: KeyStory): Change['condition'] {
  const choice = below(4);
  if (choice === 0) return { ifAbsent: true };
  return choice === 1 && etag !== undefined ? { ifMatch: etag } : {};
}

async function write(step: Step): Promise<void> {
  const key = pick(step.below, step.keys);
  const body = selfProving(step.text, step.below(6) === 0 ? 60_000 : 100 + step.below(2000));
  const condition = conditionOf(step, key);
  const run: Call<{ etag: string }> = async (signal) => step.backend.write(key.key, body, { ...condition, signal });
  await change(step, `write of ${key.key}`, [[key, { body, condition }]], run, ({ etag }) => [etag]);
}

async function remove(step: Step): Promise<void> {
  const key = pick(step.below, step.keys);
  const { ifMatch } = step.backend.capabilities.conditionalDelete ? conditionOf(step, key) : {};
  const condition = ifMatch === undefined ? {} : { ifMatch };
  const run: Call<void> = async (signal) => step.backend.delete(key.key, { ...condition, signal });
  await change(step, `delete of ${key.key}`, [[key, { body: undefined, condition }]], run, () => []);
}

async function removeMany(step: Step): Promise<void> {
  const { backend, keys } = step;
  const changes = keys.slice(1).map((key) => [key, { body: undefined, condition: {} }] as const);
  const names = changes.map(([{ key }]) => key);
  const run: Call<void> = async (signal) => backend.deleteMany?.(names, { signal });
  if (backend.deleteMany !== undefined) await change(step, `deleteMany of ${names.join()}`, changes, run, () => []);
}

async function batch(step: Step): Promise<void> {
  const { backend, story, text } = step;
  if (backend.batch === undefined) return;
  const keys = ['x', 'y'].map((name) => new KeyStory(`${text}/${name}`));
  story.keys.push(...keys);
  story.batches.push(keys);
  const changes = keys.map((key): [KeyStory, Change & { body: Uint8Array }] => {
    return [key, { body: selfProving(key.key, 300), condition: { ifAbsent: true } }];
  });
  const operations = changes.map(([{ key }, { body }]): BatchOperation => ({
    type: 'write',
    key,
    body,
    ifAbsent: true,
  }));
  const run: Call<readonly ({ etag: string } | undefined)[]> = async (signal) =>
    (await backend.batch?.(operations, { signal })) ?? [];
  await change(step, `batch of ${text}`, changes, run, (results) => results.map((result) => result?.etag));
}

async function read(step: Step): Promise<void> {
  const key = pick(step.below, step.keys);
  const came = await call(step, `read of ${key.key}`, { mutates: false, conditional: false }, async (signal) =>
    step.backend.read(key.key, { signal }),
  );
  if ('error' in came) return;
  step.story.counts.read += 1;
  key.found(came.result);
}

async function readRange(step: Step): Promise<void> {
  const key = pick(step.below, step.keys);
  const start = step.below(1500);
  const end = start + step.below(40_000);
  const what = `read of ${key.key} from ${start} to ${end}`;
  const came = await call(step, what, { mutates: false, conditional: false }, async (signal) =>
    step.backend.read(key.key, { start, end, signal }),
  );
  if ('error' in came) return;
  const { result } = came;
  const fits = key.allows((body) => {
    if (body === undefined || result === undefined) return body === result;
    return result.size === body.byteLength && Buffer.compare(result.body, body.subarray(start, end)) === 0;
  });
  const shown = result === undefined ? 'nothing' : `${result.body.byteLength} bytes of ${result.size}`;
  const possible = key.possible.map((body) => body?.byteLength ?? 'nothing').join(', ');
  assert.ok(fits, `${what} gave ${shown}, which is of none with ${possible}`);
}

async function list(step: Step): Promise<void> {
  const { backend, keys, below } = step;
  const prefix = `${keys[0]?.key.split('/').slice(0, -1).join('/')}/`;
  const limit = below(2) === 0 ? 1000 : 2;
  const came = await call(step, `list of ${prefix}`, { mutates: false, conditional: false }, async (signal) =>
    backend.list(prefix, { limit, signal }),
  );
  if ('error' in came) return;
  const { entries, more } = came.result;
  const last = more ? (entries.at(-1)?.key ?? '') : undefined;
  const listed = new Map(entries.map(({ key, size }) => [key, size]));
  assert.equal(listed.size, entries.length, `${prefix} lists a key twice`);
  for (const key of keys) {
    // What comes on the next page.
    if (last !== undefined && key.key > last) continue;
    const fits = key.allows((body) => body?.byteLength === listed.get(key.key));
    assert.ok(fits, `${key.key} is listed with ${listed.get(key.key) ?? 'nothing'}, which can't be`);
  }
}

/** Adds one to a number that all workers count up. */
async function count(step: Step): Promise<void> {
  const { backend, story } = step;
  const reading = { mutates: false, conditional: false };
  const came = await call(step, 'read of the counter', reading, async (signal) => backend.read(COUNTER, { signal }));
  if ('error' in came || came.result === undefined) return;
  const { body, etag = '' } = came.result;
  const next = Buffer.from(String(Number(Buffer.from(body).toString()) + 1));
  const writing = { mutates: true, conditional: true };
  const wrote = await call(step, 'write of the counter', writing, async (signal) =>
    backend.write(COUNTER, next, { ifMatch: etag, signal }),
  );
  if ('result' in wrote) story.counter.acknowledged += 1;
  else if (wrote.error.outcome === 'unknown') story.counter.unknown += 1;
}

const ACTS = [write, write, write, write, remove, removeMany, batch, read, read, readRange, list, count];

/** Works until it is stopped. */
export async function work(worker: Worker): Promise<void> {
  for (let episode = 0; !worker.stop.aborted; episode++) {
    const folder = `${worker.prefix}/${episode}`;
    const keys = NAMES.map((name) => new KeyStory(`${folder}/${name}`));
    worker.story.keys.push(...keys);
    for (let index = 0; index < STEPS && !worker.stop.aborted; index++) {
      await pick(worker.below, ACTS)({ ...worker, keys, text: `${folder}/${index}` });
    }
  }
}

/** Checks, past the proxy, that everything is as the workers were told. */
export async function checkStory(backend: StorageBackend, { keys, batches, counter }: Story): Promise<void> {
  for (const key of keys) {
    const found = await backend.read(key.key);
    assert.ok(found === undefined || isWhole(found.body), `${key.key} is torn`);
    key.found(found);
  }
  for (const [first, ...others] of batches) {
    const there = first?.possible[0] !== undefined;
    const same = others.every(({ possible: [body] }) => (body !== undefined) === there);
    assert.ok(same, `a part of the batch with ${first?.key} took place`);
  }
  const total = Number(Buffer.from((await backend.read(COUNTER))?.body ?? []).toString());
  const most = counter.acknowledged + counter.unknown;
  assert.ok(total >= counter.acknowledged && total <= most, `${total} is not ${counter.acknowledged} to ${most}`);
}
