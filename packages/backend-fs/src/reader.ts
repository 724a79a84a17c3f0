import { type ReadOptions, type ReadResult, resolveRange } from '@securestore/backend-api';
import { SecureStoreError } from '@securestore/core-format';
import { constants } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { etagOf } from './etag.ts';
import { timeOf } from './workspace.ts';

/** Neither follows a link that someone put in the store, nor waits for the other end of a pipe. */
const FLAGS = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK;

async function readRange(file: FileHandle, start: number, end: number, path: string): Promise<Uint8Array> {
  const body = new Uint8Array(end - start);
  for (let at = 0; at < body.length;) {
    const { bytesRead } = await file.read(body, at, body.length - at, start + at);
    // Files are replaced and never shortened by us.
    if (bytesRead === 0) throw new SecureStoreError('INTEGRITY', `${path} was cut short by another program`);
    at += bytesRead;
  }
  return body;
}

/** @throws errors of `node:fs`, `ENOENT` where there is no such file; SecureStoreError `INTEGRITY` if it is no file. */
export async function readFileAt(path: string, options: ReadOptions): Promise<ReadResult> {
  const file = await open(path, FLAGS);
  try {
    const stats = await file.stat();
    if (!stats.isFile()) throw new SecureStoreError('INTEGRITY', `${path} is not a file; move it away`);
    const { start, end, whole } = resolveRange(stats.size, options);
    const body = await readRange(file, start, end, path);
    const result = { body, size: stats.size, modified: timeOf(stats) };
    return whole ? { ...result, etag: etagOf(body) } : result;
  } finally {
    await file.close();
  }
}
