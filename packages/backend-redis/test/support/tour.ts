import { fileURLToPath } from 'node:url';
import type { StorageBackend } from '@securestore/backend-api';
import { scan } from '../../../backend-testkit/src/support/checks.ts';
import { narrator } from '../../../../tools/tour/src/narrator.ts';
import type { Place } from '../../../../tools/tour/src/place.ts';
import { tour } from '../../../../tools/tour/src/tour.ts';

const DOCUMENTS: string = fileURLToPath(new URL('../../../..', import.meta.url));

/**
 * The tour of `npm start` at `url`, where nothing is yet.
 *
 * @param backend - open there, for a look behind the back of the library; the caller closes it
 */
export async function takeTour(url: string, backend: StorageBackend): Promise<void> {
  await tour(narrator({ write: () => undefined }), DOCUMENTS, placeAt(url, backend));
}

function placeAt(url: string, backend: StorageBackend): Place {
  const bodyOf = async (key: string): Promise<Buffer> => {
    const found = await backend.read(key);
    if (found === undefined) throw new Error(`${key} is not there`);
    return Buffer.from(found.body);
  };
  return {
    url,
    rows: {
      list: async () => scan(backend, ''),
      bytes: bodyOf,
      flipBit: async (key) => {
        const body = await bodyOf(key);
        const middle = body.length >> 1;
        body.writeUInt8(body.readUInt8(middle) ^ 1, middle);
        await backend.write(key, body);
      },
    },
    holdsAny: async (texts) => {
      for (const { key } of await scan(backend, '')) {
        const content = Buffer.concat([Buffer.from(key), await bodyOf(key)]);
        if (texts.some((text) => content.includes(text))) return true;
      }
      return false;
    },
  };
}
