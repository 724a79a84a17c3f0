import {
  type ErrorDetails,
  flushFolderSync,
  flushFoundSync,
  makeFolderDurablySync,
  SecureStoreError,
} from '@securestore/core-format';
import { closeSync, openSync, statSync, type Stats } from 'node:fs';
import { dirname } from 'node:path';
import type { DatabaseSync } from 'node:sqlite';
import { pathToFileURL } from 'node:url';
import { errnoOf } from './errno.ts';
import { isUnopenable, vanished } from './errors.ts';
import { createLayout, inspectLayout } from './layout.ts';
import { descriptorShortage, mayBeWritten } from './outages.ts';
import { prepareStatements, type Statements } from './statements.ts';

/** Larger pages than SQLite's 4 KiB make fewer write-ahead frames of 1 KiB bodies (measured: a fifth faster). */
const PAGE_BYTES = 8192;
const CACHE_KIB = 16 * 1024;
/** Frames after which a commit moves the write-ahead log into the file; at most this much is there to recover. */
const CHECKPOINT_PAGES = (16 * 1024 * 1024) / PAGE_BYTES;
/** What a log that one large transaction or a slow reader let grow is cut back to. */
const LOG_BYTES = 32 * 1024 * 1024;

/** An open database that holds our tables. */
export interface Connection {
  readonly db: DatabaseSync;
  readonly statements: Statements;
  /** The file as it was when it was opened. */
  readonly file: Stats;
  /** Opened on a file system that allows no write at all, without locks; only good until the file changes. */
  readonly immutable: boolean;
}

/** Refuses a path through a file, which otherwise looks like a path to nothing. @throws SecureStoreError `INVALID_ARGUMENT` */
function refuseFileAbove(path: string): void {
  const above = dirname(path);
  const found = statSync(above, { throwIfNoEntry: false });
  if (found?.isDirectory() === true) return;
  if (found === undefined) {
    if (above !== path) refuseFileAbove(above);
    return;
  }
  throw new SecureStoreError('INVALID_ARGUMENT', `${above} is not a folder`, {
    backend: 'sqlite',
    advice: [{ id: 'choose-store-url' }],
  });
}

/** The regular file at `path`; `undefined` if it does not exist, or is empty. */
function fileAt(path: string): Stats | undefined {
  const file = statSync(path, { throwIfNoEntry: false });
  if (file === undefined) refuseFileAbove(path);
  if (file !== undefined && !file.isFile()) {
    throw new SecureStoreError('INVALID_ARGUMENT', `${path} must be a regular file`, {
      backend: 'sqlite',
      advice: file.isDirectory() ? [{ id: 'give-store-url', form: 'file:…' }] : [{ id: 'choose-store-url' }],
    });
  }
  return file?.size === 0 ? undefined : file;
}

// No mapped memory (`mmap_size`): it is a little faster, but an I/O error would kill the process as a signal. On macOS
// an ordinary flush stops at the disk's own cache, hence `fullfsync`; elsewhere it means nothing.
function configure(db: DatabaseSync): void {
  db.exec(
    `PRAGMA trusted_schema = OFF; PRAGMA synchronous = FULL; PRAGMA fullfsync = ON; PRAGMA checkpoint_fullfsync = ON; PRAGMA secure_delete = ON; PRAGMA temp_store = MEMORY;
     PRAGMA cache_size = -${CACHE_KIB}; PRAGMA wal_autocheckpoint = ${CHECKPOINT_PAGES}; PRAGMA journal_size_limit = ${LOG_BYTES}`,
  );
}

/** As {@link tryOpened}. @throws errors of `node:fs` if too many files are open */
function opened(...call: Parameters<typeof tryOpened>): Connection | undefined {
  try {
    return tryOpened(...call);
  } catch (error) {
    throw (isUnopenable(error) ? descriptorShortage() : undefined) ?? error;
  }
}

/** Opens `name`, runs `use` and keeps the database open only if that gives a connection. */
function tryOpened(
  name: string | URL,
  readOnly: boolean,
  use: (db: DatabaseSync) => Connection | undefined,
): Connection | undefined {
  // Not imported: an older Node without it would refuse to link this package before a message could say so.
  const sqlite = process.getBuiltinModule('node:sqlite');
  const db = new sqlite.DatabaseSync(name, { readOnly, timeout: 0 });
  let connection: Connection | undefined;
  try {
    configure(db);
    connection = use(db);
  } finally {
    if (connection === undefined) db.close();
  }
  return connection;
}

/** A write-ahead log can't be read if its index can't be made, and without it the newest writes would be missing. */
function refuseUnreadableLog(path: string): void {
  if ((statSync(`${path}-wal`, { throwIfNoEntry: false })?.size ?? 0) === 0) return;
  throw new SecureStoreError(
    'UNAVAILABLE',
    `${path}-wal has changes that cannot be read in a folder that may not be written`,
    { backend: 'sqlite', retryable: false, advice: [{ id: 'check-backend-access' }] },
  );
}

/**
 * Opens the database at `path` if there is one, and writes nothing to it: `undefined` if there is no file, or only the
 * beginnings of an interrupted creation. Falls back to reading without locks if the file system allows no write.
 *
 * @throws SecureStoreError as {@link inspectLayout}; errors of `node:sqlite`, among them `SQLITE_BUSY`.
 */
export function attach(path: string): Connection | undefined {
  const file = fileAt(path);
  if (file === undefined) return undefined;
  const use = (immutable: boolean) => (db: DatabaseSync) =>
    inspectLayout(db, path) ? { db, statements: prepareStatements(db), file, immutable } : undefined;
  try {
    return opened(path, false, use(false));
  } catch (error) {
    if (!isUnopenable(error)) throw error;
    // Too few descriptors, for a moment, or another process that has just closed the database.
    if (mayBeWritten(path)) return opened(path, false, use(false));
    refuseUnreadableLog(path);
    const url = pathToFileURL(path);
    url.search = '?immutable=1';
    return opened(url, true, use(true));
  }
}

/** Makes an empty file that only its owner may read, and the folders it needs, all durably; also those of another process that died. */
function createFile(path: string): void {
  makeFolderDurablySync(dirname(path));
  try {
    closeSync(openSync(path, 'wx', 0o600));
  } catch (error) {
    if (errnoOf(error) !== 'EEXIST') throw error;
    return flushFoundSync(path);
  }
  flushFolderSync(dirname(path));
}

/** Makes the database at `path`, or opens the one that another process has made meanwhile. */
export function create(path: string): Connection {
  // An existing file that is no database is refused before anything is made.
  fileAt(path);
  createFile(path);
  const connection = opened(path, false, (db) => {
    db.exec(`PRAGMA page_size = ${PAGE_BYTES}; BEGIN IMMEDIATE`);
    if (!inspectLayout(db, path)) createLayout(db);
    db.exec('COMMIT');
    const file = fileAt(path);
    return file && { db, statements: prepareStatements(db), file, immutable: false };
  });
  if (connection === undefined) throw vanished(path);
  return connection;
}

/** Switches to write-ahead logging, if a writer was interrupted before it could. */
export function ensureLogging(connection: Connection): void {
  connection.db.exec('PRAGMA journal_mode = WAL');
}

/**
 * Checks that the file at `path` is still the open one: SQLite itself would continue to write to a file that was removed.
 *
 * @throws SecureStoreError `UNAVAILABLE` if it is gone or another.
 */
export function assertInPlace(connection: Connection, path: string, details?: ErrorDetails): Stats {
  const file = statSync(path, { throwIfNoEntry: false });
  if (file === undefined || file.ino !== connection.file.ino || file.dev !== connection.file.dev) {
    throw vanished(path, details);
  }
  return file;
}
