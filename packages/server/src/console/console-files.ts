import { hash } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { extname, relative, resolve, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { gzip } from 'node:zlib';
import { fileError, SecureStoreError } from '@securestore/core-format';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Logger } from 'securestore';
import { PAGE_POLICY } from '../request/security-headers.ts';

const PACKAGE: string = '@securestore/console';
const PAGE = 'index.html';
/** What all files together may have, in bytes: more is not the console. */
const MAX_BYTES = 32 * 1024 * 1024;
/** Smaller ones gain nothing. */
const MIN_COMPRESSED = 1024;

const TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml',
  '.png': 'image/png',
  '.ico': 'image/x-icon',
  '.woff2': 'font/woff2',
  '.json': 'application/json',
  '.txt': 'text/plain; charset=utf-8',
};
const COMPRESSED: ReadonlySet<string> = new Set(['.html', '.js', '.css', '.svg', '.json', '.txt']);

interface Encoded {
  readonly body: Buffer;
  readonly etag: string;
}

interface ConsoleFile {
  readonly type: string;
  /** Whether its name says what is in it. */
  readonly isHashed: boolean;
  readonly plain: Encoded;
  readonly gzip?: Encoded;
}

function encoded(body: Buffer): Encoded {
  return { body, etag: `"${hash('sha256', body, 'base64url')}"` };
}

async function fileOf(name: string, body: Buffer): Promise<ConsoleFile> {
  const extension = extname(name);
  const file = {
    type: TYPES[extension] ?? 'application/octet-stream',
    isHashed: name.startsWith('assets/'),
    plain: encoded(body),
  };
  if (!COMPRESSED.has(extension) || body.length < MIN_COMPRESSED) return file;
  return { ...file, gzip: encoded(await promisify(gzip)(body, { level: 9 })) };
}

/** Where the package has its files; `undefined` if it is not installed. */
async function installed(): Promise<URL | undefined> {
  let found: { readonly files?: unknown };
  try {
    // By a name that nobody resolves beforehand: the server does without it.
    found = (await import(PACKAGE)) as typeof found;
  } catch (error) {
    const { code, message = '' } = error as { readonly code?: string; readonly message?: string };
    if (code === 'ERR_MODULE_NOT_FOUND' && message.includes(PACKAGE)) return undefined;
    throw error;
  }
  if (found.files instanceof URL) return found.files;
  throw new SecureStoreError('UNSUPPORTED', `${PACKAGE} must have the version of this server`);
}

async function readAll(folder: string): Promise<Map<string, ConsoleFile>> {
  const files = new Map<string, ConsoleFile>();
  let bytes = 0;
  for (const entry of await readdir(folder, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue;
    const path = resolve(entry.parentPath, entry.name);
    const body = await readFile(path);
    bytes += body.length;
    if (bytes > MAX_BYTES)
      throw new SecureStoreError('TOO_LARGE', `the folder of the console has more than ${MAX_BYTES} bytes: ${folder}`);
    const name = relative(folder, path).split(sep).join('/');
    files.set(name, await fileOf(name, body));
  }
  return files;
}

/** Whether an answer may be compressed like that: a `q` of 0 says no. */
function takesGzip(accepted: string): boolean {
  return accepted.split(',').some((one) => /^\s*gzip\s*(?:;\s*q=(?!0(?:\.0*)?\s*$)[\d.]+\s*)?$/i.test(one));
}

/** The pages of the console, as they were when the server started. */
export class ConsoleFiles {
  readonly #files: ReadonlyMap<string, ConsoleFile>;

  constructor(files: ReadonlyMap<string, ConsoleFile>) {
    this.#files = files;
  }

  /** Answers with a file. @param name below the folder; '' for the page @throws SecureStoreError `NOT_FOUND` */
  answer(name: string, { headers }: FastifyRequest, reply: FastifyReply): FastifyReply {
    const file = this.#files.get(name === '' ? PAGE : name);
    if (file === undefined || name === PAGE)
      throw new SecureStoreError('NOT_FOUND', 'the file does not exist in the console');
    const isCompressed = file.gzip !== undefined && takesGzip(headers['accept-encoding'] ?? '');
    const { body, etag } = (isCompressed ? file.gzip : undefined) ?? file.plain;
    reply.header('cache-control', file.isHashed ? 'public, max-age=31536000, immutable' : 'no-store');
    reply.header('etag', etag);
    if (file.gzip !== undefined) reply.header('vary', 'accept-encoding');
    reply.header('content-security-policy', PAGE_POLICY);
    const known = (headers['if-none-match'] ?? '').split(',').some((one) => one.trim().replace(/^W\//, '') === etag);
    if (known) return reply.code(304).send();
    if (isCompressed) reply.header('content-encoding', 'gzip');
    return reply.type(file.type).send(body);
  }
}

/**
 * The pages of the console.
 *
 * @param given the folder that they were built to; without it those of the package, where it is installed; `false` for none
 * @throws SecureStoreError `INVALID_ARGUMENT` if there is none; what keeps it from being read; `TOO_LARGE`, `UNSUPPORTED`
 */
export async function consoleFiles(
  given: string | URL | false | undefined,
  logger: Logger | undefined,
): Promise<ConsoleFiles | undefined> {
  const found = given ?? (await installed());
  if (found === undefined || found === false) return undefined;
  const folder = found instanceof URL ? fileURLToPath(found) : resolve(found);
  try {
    const files = await readAll(folder);
    if (files.has(PAGE)) return new ConsoleFiles(files);
  } catch (error) {
    const { code } = error as { readonly code?: string };
    if (given !== undefined || code !== 'ENOENT')
      throw fileError(error, `cannot read the console in ${JSON.stringify(folder)}`);
  }
  if (given !== undefined) {
    throw new SecureStoreError(
      'INVALID_ARGUMENT',
      `${PAGE} does not exist in ${JSON.stringify(folder)}: the console is not built`,
    );
  }
  logger?.warn({ folder }, 'the console is not built, and is not served');
  return undefined;
}
