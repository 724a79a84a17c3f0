// A process that writes and reads all the time in a store that moves: `moving-writer.ts <url> <other URL> <prefix>`. It prints
// what was acknowledged, and every call that it made of where the store was after something was acknowledged where it is. It ends
// with its input.
import { intercept } from '@securestore/backend-api';
import type { StorageBackend } from '@securestore/backend-api';
import { FsBackend } from '@securestore/backend-fs';
import { SqliteBackend } from '@securestore/backend-sqlite';
import { AREAS } from '@securestore/core-format';
import { openStore, rawKey } from '../../src/index.ts';
import { busy } from '../support/busy.ts';
import type { Acknowledged } from '../support/busy.ts';
import { sized } from '../../../../tools/campaigns/src/size.ts';

const [url = '', other = '', prefix = ''] = process.argv.slice(2);
const unlock = rawKey(Buffer.alloc(32, 7));
const say = (line: object): void => void process.stdout.write(`${JSON.stringify(line)}\n`);

/** How often the store had moved when something was acknowledged last: from then on nothing is to begin where it was before. */
let acknowledged = 0;

/**
 * The backend of a store URL. What is under way at the moment of the move ends where it began, so calls are looked at as they begin; and the
 * parts of a payload that this process was uploading are fetched from where it began.
 *
 * @param moves how often the store has moved when it comes there
 */
function watched(at: string, moves: number): StorageBackend {
  const inner = at.startsWith('file:') ? new FsBackend() : new SqliteBackend();
  const layer = intercept(() => async ({ operation, key = '', signal }, run) => {
    const isOwnPart = operation === 'read' && key.startsWith(AREAS.blobs);
    if (moves < acknowledged && !isOwnPart) say({ strayed: { at, moves, operation, key } });
    return run(signal);
  });
  return layer(inner);
}

const store = await openStore(url, {
  unlock,
  maintenance: false,
  backend: watched(url, 0),
  migrationTargets: [url, other],
  destinations: { [other]: { backend: watched(other, 1) }, [url]: { backend: watched(url, 2) } },
});

const places = [url, other, url];
const onWritten = (write: Acknowledged): void => {
  if (store.url !== places[acknowledged]) acknowledged += 1;
  say({ write, at: acknowledged });
};
// All that is written is followed, moved back and compared, so the short form has less of it.
const pause = sized({ short: 400, full: 150, torture: 40 });
const writers = ['a', 'b'].map((name) => busy(store, `${prefix}/${name}`, { pause, onWritten }));
for await (const _ of process.stdin);
for (const writer of writers) await writer.stop();
await store.close();
