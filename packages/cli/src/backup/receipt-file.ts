import { stat } from 'node:fs/promises';
import { ownFiles } from '@securestore/migrate/lazy';
import type { DrillReceipt } from 'securestore';
import type { Call } from '../call/call.ts';
import { writeOutputFile } from '../terminal/output-file.ts';
import { refusal } from '../errors/refuse.ts';
import { printable } from '../terminal/terminal-text.ts';

/** @throws `ALREADY_EXISTS` where a file is there and may not be replaced: an older receipt, which nobody can make again */
export async function refuseToReplace(path: string, mayReplace: boolean | undefined): Promise<void> {
  const found = await stat(path).catch(() => undefined);
  if (found?.isFile() !== true || mayReplace === true) return;
  throw refusal('ALREADY_EXISTS', `the file "${path}" already exists. Nothing was changed.`, {
    hints: [{ text: 'choose another file, or add --yes to replace it' }],
  });
}

/** Writes a receipt to a file. @param url of the store, whose own files are left alone */
export async function writeReceipt(
  { cli, out }: Call,
  path: string,
  url: string,
  receipt: DrillReceipt,
): Promise<void> {
  const text = Buffer.from(`${JSON.stringify(receipt, undefined, 2)}\n`);
  const source = (async function* whole() {
    yield text;
  })();
  await writeOutputFile(path, source, cli.random, await ownFiles(url));
  out.note(`wrote the receipt, signed by the store, to ${printable(path)}`);
}
