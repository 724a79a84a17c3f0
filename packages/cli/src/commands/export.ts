import type { ExportSource } from 'securestore';
import type { Call, ExitCode } from '../call.ts';
import { withStore } from '../open.ts';
import { parseFolder } from '../parse-values.ts';
import { runTransfer } from '../transfer.ts';

export interface ExportOptions {
  readonly prefix?: string;
  readonly metadata?: boolean;
}

/** `securestore export`. */
export async function exportFrom(call: Call<ExportOptions>, directory: string): Promise<ExitCode> {
  const { prefix, metadata } = call.options;
  parseFolder(prefix);
  return await withStore(call, (store) => exportToFolder(call, store, directory, { prefix, metadata }));
}

/** Writes the objects of a store, or of a snapshot of one, below a folder. */
export async function exportToFolder(
  call: Call,
  store: ExportSource,
  directory: string,
  { prefix, metadata }: { readonly prefix: string | undefined; readonly metadata?: boolean | undefined },
): Promise<ExitCode> {
  const { exportFolder } = await import('securestore');
  const below = parseFolder(prefix) || undefined;
  return await runTransfer(call, 'exported', (onItem) =>
    exportFolder(store, directory, { prefix: below, metadata, onItem, signal: call.cli.signal }),
  );
}
