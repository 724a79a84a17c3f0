import { open, rename } from 'node:fs/promises';
import { join } from 'node:path';

/** The least that makes a file durable: write, sync, rename, sync the folder. */
export async function durableWrite(folder: string, name: string, body: Uint8Array): Promise<void> {
  const temporary = join(folder, `${name}.tmp`);
  const file = await open(temporary, 'w');
  await file.write(body);
  await file.sync();
  await file.close();
  await rename(temporary, join(folder, name));
  const directory = await open(folder, 'r');
  await directory.sync();
  await directory.close();
}
