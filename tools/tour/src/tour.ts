import { readFile } from 'node:fs/promises';
import { globSync } from 'node:fs';
import { join } from 'node:path';
import { createStore, openStore, passphrase } from 'securestore';
import type { SecureStore } from 'securestore';
import { largeFile, largeFileRange } from './large-file.ts';
import type { Narrator } from './narrator.ts';
import type { Place } from './place.ts';

const SECRET = 's3cr3t-of-the-tour';
const MIB: number = 2 ** 20;

/** What one step leaves for the next ones. */
interface Tour {
  readonly narrator: Narrator;
  readonly store: SecureStore;
  /** A checkout, whose documents are stored. */
  readonly documents: string;
  readonly place: Place;
}

/**
 * The whole tour, at a place where nothing is yet, which it fills with a store of its own.
 *
 * @throws Error at the first step that doesn't do what it says
 */
export async function tour(narrator: Narrator, documents: string, place: Place): Promise<void> {
  const { url } = place;
  narrator.step('Create a store', 'A store lives at a store URL, here a SQLite file. The passphrase stays with you.');
  const store = await narrator.call(() => createStore(url, { unlock: passphrase('correct horse battery staple') }));
  const context = { narrator, store, documents, place };
  try {
    narrator.result(`fingerprint ${store.fingerprint}`);
    const row = await secret(context);
    await folder(context);
    await largeObject(context);
    await versions(context);
    await whatTheBackendSees(context, row);
    await tampering(context, row);
  } finally {
    await store.close();
  }
  await openingAgain(narrator, url);
}

/** Returns the name under which the database keeps the secret. */
async function secret({ narrator, store, place }: Tour): Promise<string> {
  narrator.step('Store a secret', 'The value, its metadata and its name are sealed before they reach the database.');
  const info = await narrator.call(() =>
    store.store('db/prod/password', SECRET, { metadata: { owner: 'ops', rotate: 'monthly' } }),
  );
  narrator.result(`version ${info.version}, ${info.size} bytes`);
  const objects = await place.rows.list();
  const row = objects.find(({ key }) => key.startsWith('o/'));
  const retrieved = await narrator.call(() => store.retrieve('db/prod/password'));
  narrator.result(`${retrieved.text()} ${JSON.stringify(retrieved.metadata)}`);
  narrator.check('what came back is what went in', retrieved.text() === SECRET);
  return row?.key ?? '';
}

async function folder({ narrator, store, documents }: Tour): Promise<void> {
  narrator.step('Store a folder', 'Names are paths, so a folder fits as it is: the documents of this repository.');
  const files = globSync(['*.md', 'docs/**/*.md', 'packages/*/README.md'], { cwd: documents }).toSorted();
  const stored = await narrator.call(() =>
    store.storeMany(
      (async function* () {
        for (const file of files) yield { key: `repo/${file}`, data: await readFile(join(documents, file)) };
      })(),
    ),
  );
  const names = await narrator.call(() => store.list('repo/'));
  narrator.result([...names.slice(0, 3), `… ${names.length} names in all`].join('\n'));
  const all = stored.length === files.length && stored.every(({ ok }) => ok) && names.length === files.length;
  narrator.check(`all ${files.length} documents are listed under their names`, all && files.length > 0);
}

async function largeObject({ narrator, store }: Tour): Promise<void> {
  narrator.step(
    'Read a range of a large file',
    '64 MiB go in as a stream and are never whole in memory. A range is decrypted and verified on its own.',
  );
  const { size } = await narrator.call(() => store.store('media/film', largeFile(64 * MIB)));
  narrator.result(`${size.toLocaleString('en')} bytes`);
  const begun = performance.now();
  const { stream } = await narrator.call(() =>
    store.retrieveStream('media/film', { start: 40 * MIB, end: 40 * MIB + 16 }),
  );
  const range = Buffer.concat(await collect(stream));
  narrator.result(`${range.toString('hex')} after ${(performance.now() - begun).toFixed(1)} ms`);
  narrator.check('these are the bytes at that place', range.equals(largeFileRange(40 * MIB, 40 * MIB + 16)));
}

async function versions({ narrator, store }: Tour): Promise<void> {
  narrator.step(
    'Overwrite, and look back',
    'Every write is a version of its own; older ones stay for as long as you say.',
  );
  const before = await store.info('db/prod/password');
  await narrator.call(() => store.store('db/prod/password', 'changed', { ifVersion: before.version }));
  await narrator.failingCall(
    () => store.store('db/prod/password', 'too late', { ifVersion: before.version }),
    'CONFLICT',
  );
  const history = await narrator.call(() => store.history('db/prod/password'));
  for (const { version, modified, current } of history) {
    narrator.result(`${version}  ${modified.toISOString()}${current ? '  current' : ''}`);
  }
  const older = await narrator.call(() => store.retrieve('db/prod/password', { version: before.version }));
  narrator.result(older.text());
  narrator.check('the older version is still what it was', older.text() === SECRET && history.length === 2);
}

async function whatTheBackendSees({ narrator, documents, place }: Tour, row: string): Promise<void> {
  const { rows } = place;
  narrator.step('What the database sees', 'Anyone with the file can look into it. These are its real rows.');
  const all = await narrator.call(() => rows.list());
  // Two of each kind: records, history, parts of the film, the store's own.
  const kinds = Map.groupBy(all, ({ key }) => key.split('/')[0]);
  for (const { key, size } of [...kinds.values()].flatMap((kind) => kind.slice(0, 2))) {
    narrator.result(`${key} (${size.toLocaleString('en')} bytes)`);
  }
  narrator.result(`… ${all.length} rows in all`);
  const bytes = await narrator.call(() => rows.bytes(row));
  narrator.result(`${Buffer.from(bytes).toString('hex').slice(0, 128)}… (${bytes.length} bytes)`);
  const document = await readFile(join(documents, 'README.md'));
  const film = largeFileRange(40 * MIB, 40 * MIB + 16);
  const hidden = [SECRET, 'password', 'monthly', 'media/film', document.subarray(0, 64), film];
  narrator.check('a search of the files finds the name of a row', await place.holdsAny([Buffer.from(row)]));
  narrator.check(
    'it finds neither the secret, nor a name, nor metadata, nor a word of the documents, nor bytes of the film',
    !(await place.holdsAny(hidden.map((text) => Buffer.from(text)))),
  );
}

async function tampering({ narrator, store, place }: Tour, row: string): Promise<void> {
  const { rows } = place;
  narrator.step('Flip one bit', 'Someone changes a single bit in the database, behind the library.');
  await narrator.call(() => rows.flipBit(row));
  await narrator.failingCall(() => store.retrieve('db/prod/password'), 'INTEGRITY');
  narrator.result('Nothing of the changed object was given out. Now the bit is flipped back.');
  await narrator.call(() => rows.flipBit(row));
  const again = await narrator.call(() => store.retrieve('db/prod/password'));
  narrator.check('the object is whole again', again.text() === 'changed');
}

async function openingAgain(narrator: Narrator, url: string): Promise<void> {
  narrator.step(
    'Open it again',
    'The store was closed. Without the passphrase nobody gets in, with it everything is there.',
  );
  await narrator.failingCall(() => openStore(url, { unlock: passphrase('incorrect horse') }), 'UNLOCK_FAILED');
  const store = await narrator.call(() => openStore(url, { unlock: passphrase('correct horse battery staple') }));
  try {
    const names = await narrator.call(() => store.list());
    narrator.check(`all ${names.length} names are there`, names.includes('media/film'));
  } finally {
    await store.close();
  }
}

async function collect(stream: AsyncIterable<Uint8Array>): Promise<Uint8Array[]> {
  const pieces: Uint8Array[] = [];
  for await (const piece of stream) pieces.push(piece);
  return pieces;
}
