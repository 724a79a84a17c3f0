import { resolveBackend } from '@securestore/backend-api';
import { describe, expect, it } from 'vitest';
import defaultExport, { MemoryBackend, memoryBackend } from '../src/index.ts';

const BODY = new TextEncoder().encode('body');

async function opened(url: string, clock?: () => number): Promise<MemoryBackend> {
  const backend = new MemoryBackend(clock === undefined ? {} : { clock });
  await backend.init({ url, options: {} });
  return backend;
}

describe('memory:', () => {
  it('is private to each backend, and gone when it is closed', async () => {
    const one = await opened('memory:');
    const other = await opened('memory:');
    await one.write('key', BODY);
    expect(await other.read('key')).toBeUndefined();
    await one.close();
    await one.init({ url: 'memory:', options: {} });
    expect(await one.read('key')).toBeUndefined();
  });
});

describe('memory:name', () => {
  it('is shared by all that open the name, and outlives them', async () => {
    const one = await opened('memory:shared-1');
    await one.write('key', BODY);
    await one.close();
    expect((await (await opened('memory:shared-1')).read('key'))?.body).toEqual(BODY);
    expect(await (await opened('memory:shared-2')).read('key')).toBeUndefined();
  });
});

describe('init', () => {
  it.each(['file:./x', 'memory:a/b', 'memory:a b', 'memory://host', `memory:${'a'.repeat(101)}`, 'memory', ''])(
    'refuses %j',
    async (url) => {
      await expect(opened(url)).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' });
    },
  );

  it('refuses options and clients', async () => {
    const backend = new MemoryBackend();
    const url = 'memory:';
    await expect(backend.init({ url, options: { size: 1 } })).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' });
    await expect(backend.init({ url, options: {}, client: {} })).rejects.toMatchObject({
      code: 'INVALID_ARGUMENT',
    });
  });

  it('comes before any other call', async () => {
    const backend = new MemoryBackend();
    await expect(backend.read('key')).rejects.toMatchObject({ code: 'UNAVAILABLE', retryable: false });
  });
});

describe('bodies that are given away', () => {
  it('are kept as they are, and returned as they are to a caller that does not change them', async () => {
    const backend = await opened('memory:');
    expect(backend.capabilities.keepsBodies).toBe(true);
    const body = Buffer.allocUnsafeSlow(1000).fill(1);
    await backend.write('a', body, { owned: true });
    const found = await backend.read('a', { shared: true });
    expect(found?.body.buffer).toBe(body.buffer);
    const part = await backend.read('a', { start: 10, end: 20, shared: true });
    expect(part).toMatchObject({ size: 1000, body: { buffer: body.buffer, byteOffset: 10, byteLength: 10 } });
    expect(part).not.toHaveProperty('etag');
  });

  it('are kept as they are if they lie in the pool of buffers, as a copy would', async () => {
    const backend = await opened('memory:');
    const body = Buffer.from('a small one');
    await backend.write('a', body, { owned: true });
    expect((await backend.read('a', { shared: true }))?.body.buffer).toBe(body.buffer);
  });

  it('are copied for a caller that may change them, and from one that did not say so', async () => {
    const backend = await opened('memory:');
    const body = Buffer.allocUnsafeSlow(1000).fill(1);
    await backend.write('kept', body, { owned: true });
    await backend.write('copied', body);
    (await backend.read('kept'))?.body.fill(2);
    expect(await backend.read('kept')).toMatchObject({ body: new Uint8Array(1000).fill(1) });
    body.fill(3);
    expect(await backend.read('copied')).toMatchObject({ body: new Uint8Array(1000).fill(1) });
  });

  it('are copied if most of the memory that they lie in would stay behind for nothing', async () => {
    const backend = await opened('memory:');
    const memory = Buffer.allocUnsafeSlow(4 * 1024 * 1024);
    await backend.write('a', memory.subarray(0, 100).fill(1), { owned: true });
    expect((await backend.read('a', { shared: true }))?.body.buffer).not.toBe(memory.buffer);
  });
});

describe('the clock', () => {
  it('stands still where the machine sets its own back', async () => {
    let time = 1000;
    const backend = await opened('memory:', () => time);
    await backend.write('a', BODY);
    time = 400;
    expect(await backend.write('b', BODY)).toMatchObject({ modified: 1000 });
    expect(await backend.read('a')).toMatchObject({ modified: 1000, now: 1000 });
    time = 1001;
    expect(await backend.write('c', BODY)).toMatchObject({ modified: 1001 });
  });
});

describe('the definition', () => {
  it('is the default export, and what the scheme memory resolves to', async () => {
    expect(defaultExport).toBe(memoryBackend);
    const backend = await resolveBackend('memory:', { builtIn: { memory: async () => import('../src/index.ts') } });
    expect(backend).toBeInstanceOf(MemoryBackend);
  });
});
