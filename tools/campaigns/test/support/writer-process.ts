// Recorded with a fault, or with none: makes a folder, and replaces a file in it, or in a database, again and again.
import { closeSync, fsyncSync, mkdirSync, openSync, renameSync, writeFileSync, writeSync } from 'node:fs';
import { DatabaseSync } from 'node:sqlite';
import { bodyOf, type Kind, VERSIONS } from './bodies.ts';

const [root = '', given] = process.argv.slice(2);
// The test passes a kind.
const kind = given as Kind;

function flush(path: string): void {
  const descriptor = openSync(path, 'r');
  fsyncSync(descriptor);
  closeSync(descriptor);
}

function replace(version: number): void {
  const path = `${root}/folder/file`;
  const temporary = kind === 'written in place' ? path : `${path}.new`;
  writeFileSync(temporary, bodyOf(version));
  if (kind !== 'contents not flushed') flush(temporary);
  if (temporary !== path) renameSync(temporary, path);
  if (kind === 'acknowledged too early') writeSync(1, `${version}\n`);
  if (kind !== 'folder not flushed') flush(`${root}/folder`);
  if (kind !== 'acknowledged too early') writeSync(1, `${version}\n`);
}

function replaceInDatabase(db: DatabaseSync, version: number): void {
  db.prepare('INSERT OR REPLACE INTO file VALUES (1, ?)').run(bodyOf(version));
  writeSync(1, `${version}\n`);
}

mkdirSync(`${root}/folder`);
if (kind !== 'folder above not flushed') flush(root);
if (kind === 'a database' || kind === 'database not flushed') {
  const db = new DatabaseSync(`${root}/folder/db`);
  db.exec(`PRAGMA journal_mode = WAL; PRAGMA synchronous = ${kind === 'a database' ? 'FULL' : 'OFF'}`);
  db.exec('CREATE TABLE file(id INTEGER PRIMARY KEY, body BLOB)');
  for (let version = 0; version < VERSIONS; version++) replaceInDatabase(db, version);
  db.close();
} else for (let version = 0; version < VERSIONS; version++) replace(version);
