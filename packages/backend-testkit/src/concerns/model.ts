import assert from 'node:assert/strict';
import type { BatchOperation, StorageBackend, WriteOptions } from '@securestore/backend-api';
import { assertBytes, bytes, rejection, scan, scanKeys } from '../checks.ts';
import { type RandomBelow, pick, seededRandom } from '../random.ts';
import type { Concern, TestContext } from '../types.ts';

const STEPS = 250;
const KEYS = ['a', 'a.', 'a./@1', 'a/', 'a/b', 'a/b/c', 'a/c', 'a0', 'b/1', 'b/10', 'b/2', 'c'].filter(
  (key) => !key.endsWith('/'),
);
const PREFIXES = ['', 'a', 'a.', 'a/', 'a/b', 'b/', 'b/1', 'nothing'];

/** What the contract says is stored. */
interface Model {
  readonly bodies: Map<string, { body: Uint8Array; etag: string }>;
  /** Etags of bodies that are no longer there. */
  readonly stale: string[];
}

interface Step {
  readonly handle: StorageBackend;
  readonly capabilities: TestContext['capabilities'];
  readonly model: Model;
  readonly below: RandomBelow;
  readonly log: (what: string) => void;
}

type Condition = Pick<WriteOptions, 'ifAbsent' | 'ifMatch'>;

function condition(step: Step, key: string): Condition {
  const { below, model } = step;
  const current = model.bodies.get(key)?.etag;
  switch (below(5)) {
    case 0:
      return { ifAbsent: true };
    case 1:
      return current === undefined ? {} : { ifMatch: current };
    case 2:
      return { ifMatch: model.stale.length === 0 ? 'no-such-etag' : pick(below, model.stale) };
    default:
      return {};
  }
}

function holds({ model }: Step, key: string, { ifAbsent, ifMatch }: Condition): boolean {
  const current = model.bodies.get(key);
  if (ifAbsent === true) return current === undefined;
  return ifMatch === undefined || current?.etag === ifMatch;
}

function remember({ model }: Step, key: string, body: Uint8Array | undefined, etag: string | undefined): void {
  const old = model.bodies.get(key);
  if (body === undefined) model.bodies.delete(key);
  else model.bodies.set(key, { body, etag: etag ?? '' });
  // A backend may give identical bytes the same etag again, so only etags of other bytes are stale.
  if (old !== undefined && old.etag !== etag) model.stale.push(old.etag);
  const live = new Set([...model.bodies.values()].map((stored) => stored.etag));
  model.stale.splice(0, model.stale.length, ...model.stale.filter((stale) => !live.has(stale)));
}

async function write(step: Step): Promise<void> {
  const key = pick(step.below, KEYS);
  // No two bodies alike, or an etag might come back.
  const body = bytes(4 + step.below(600), step.below(256));
  new DataView(body.buffer).setUint32(0, step.below(2 ** 32));
  const options = condition(step, key);
  step.log(`write ${key}, ${body.byteLength} bytes, ${JSON.stringify(options)}`);
  const result = step.handle.write(key, body, options);
  if (!holds(step, key, options)) {
    await rejection(result, 'CONFLICT');
    return;
  }
  remember(step, key, body, (await result).etag);
}

async function remove(step: Step): Promise<void> {
  const key = pick(step.below, KEYS);
  const { ifMatch } = step.capabilities.conditionalDelete ? condition(step, key) : {};
  const options = ifMatch === undefined ? {} : { ifMatch };
  step.log(`delete ${key}, ${JSON.stringify(options)}`);
  const result = step.handle.delete(key, options);
  if (!holds(step, key, options)) {
    await rejection(result, 'CONFLICT');
    return;
  }
  await result;
  remember(step, key, undefined, undefined);
}

async function batch(step: Step): Promise<void> {
  const { handle, below } = step;
  if (handle.batch === undefined) return;
  const keys = KEYS.filter(() => below(4) === 0).slice(0, step.capabilities.maxBatch);
  const operations = keys.map((key): BatchOperation => {
    if (below(3) === 0) return { type: 'delete', key };
    const body = bytes(4 + below(600), below(256));
    new DataView(body.buffer).setUint32(0, below(2 ** 32));
    return { type: 'write', key, body, ...condition(step, key) };
  });
  step.log(`batch ${operations.map(({ type, key }) => `${type} ${key}`).join(', ')}`);
  const result = handle.batch(operations);
  const failed = operations.flatMap((operation, index) =>
    holds(step, operation.key, conditionOf(operation)) ? [] : [index],
  );
  if (failed.length > 0) {
    const error = await rejection(result, 'CONFLICT');
    assert.ok(error.index !== undefined && failed.includes(error.index), `index ${error.index ?? 'missing'}`);
    return;
  }
  const results = await result;
  for (const [index, operation] of operations.entries()) {
    remember(step, operation.key, operation.type === 'write' ? operation.body : undefined, results[index]?.etag);
  }
}

function conditionOf(operation: BatchOperation): Condition {
  const { ifMatch } = operation;
  if (operation.type === 'write' && operation.ifAbsent === true) return { ifAbsent: true };
  return ifMatch === undefined ? {} : { ifMatch };
}

async function read({ handle, model, below, log }: Step): Promise<void> {
  const key = pick(below, KEYS);
  const start = below(3) === 0 ? below(700) : undefined;
  const end = below(3) === 0 ? (start ?? 0) + below(700) : undefined;
  log(`read ${key} from ${start ?? 'nothing'} to ${end ?? 'nothing'}`);
  const range = { ...(start === undefined ? {} : { start }), ...(end === undefined ? {} : { end }) };
  const expected = model.bodies.get(key);
  const result = await handle.read(key, range);
  if (expected === undefined || result === undefined) {
    assert.equal(
      result === undefined,
      expected === undefined,
      `${key} is ${result === undefined ? 'missing' : 'there'}`,
    );
    return;
  }
  assertBytes(result.body, expected.body.slice(start ?? 0, end), key);
  assert.equal(result.size, expected.body.byteLength);
  if (start === undefined && end === undefined) assert.equal(result.etag, expected.etag);
}

async function list({ handle, model, below, log }: Step): Promise<void> {
  const prefix = pick(below, PREFIXES);
  const after = below(2) === 0 ? pick(below, [...KEYS, 'a/b/', 'a1', 'b/11']) : undefined;
  const limit = 1 + below(5);
  log(`list ${prefix} after ${after ?? 'nothing'}, limit ${limit}`);
  const expected = [...model.bodies.keys()].filter(
    (key) => key.startsWith(prefix) && (after === undefined || key > after),
  );
  const { entries, more } = await handle.list(prefix, after === undefined ? { limit } : { after, limit });
  assert.deepEqual(
    entries.map((entry) => entry.key),
    expected.toSorted().slice(0, entries.length),
  );
  assert.ok(entries.length === expected.length || (more && entries.length > 0), 'keys are missing from the page');
}

async function runModel(context: TestContext, log: (what: string) => void): Promise<void> {
  const { backend, open, capabilities, seed } = context;
  const below = seededRandom(seed);
  const model: Model = { bodies: new Map(), stale: [] };
  let handles = [backend, await open()];
  for (let turn = 0; turn < STEPS; turn += 1) {
    const act = pick(below, [write, write, write, write, remove, batch, read, read, list]);
    await act({ handle: pick(below, handles), capabilities, model, below, log });
    if (turn === STEPS >> 1) {
      log('close and open again');
      await Promise.all(handles.map(async (handle) => handle.close()));
      handles = [await open(), await open()];
    }
  }
  const [last] = handles;
  assert.ok(last);
  const sizes = (await scan(last, '', 4)).map((entry) => [entry.key, entry.size]);
  const expected = [...model.bodies].map(([key, { body }]) => [key, body.byteLength]);
  assert.deepEqual(
    sizes,
    expected.toSorted(([one = ''], [other = '']) => (one < other ? -1 : 1)),
  );
  assert.deepEqual(
    await scanKeys(last, ''),
    sizes.map(([key]) => key),
  );
}

/** Random operations through two handles against a map that does what the contract says. */
export const model: Concern = {
  name: 'model',
  tests: [
    {
      name: `${STEPS} random operations end as in a plain map`,
      run: async (context) => {
        const done: string[] = [];
        try {
          await runModel(context, (what) => done.push(what));
        } catch (error) {
          const last = done
            .slice(-25)
            .map((what) => `  ${what}`)
            .join('\n');
          const problem = error instanceof Error ? error.message : String(error);
          const message = `${problem}\nafter step ${done.length} with seed ${context.seed}; the last steps:\n${last}`;
          throw new Error(message, { cause: error });
        }
      },
    },
  ],
};
