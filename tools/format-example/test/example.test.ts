import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { MemoryBackend } from '@securestore/backend-memory';
import { openObjectStore } from '@securestore/objects';
import { describe, expect, it } from 'vitest';
import { rawKey } from '../../../packages/crypto/src/index.ts';
import { EXAMPLE_SECRET, makeExample } from '../src/example.ts';
import { parseObjects, withExample } from '../src/render.ts';

const document = readFileSync(new URL('../../../docs/format.md', import.meta.url), 'utf8');

describe('the worked example of the specification', () => {
  it('is what the code makes of its inputs', async () => {
    expect(withExample(document, await makeExample()) === document, 'run tools/format-example/src/main.ts').toBe(true);
  });

  it('is a store: read from the document it opens, and its objects come out', async () => {
    const backend = new MemoryBackend();
    await backend.init({ url: `memory:${randomUUID()}`, options: {} });
    for (const [name, body] of parseObjects(document)) await backend.write(name, body);
    const store = await openObjectStore({ backend, url: 'memory:', unlock: rawKey(EXAMPLE_SECRET) });
    expect(await store.list()).toEqual(['big', 'db/pw']);
    const small = await store.retrieve('db/pw');
    expect(small.text()).toBe('hello');
    expect(small.metadata).toEqual({ owner: 'ops' });
    expect((await store.retrieve('big')).text()).toBe('a payload in a blob');
    await store.close();
  });
});
