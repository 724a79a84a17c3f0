import { SecureStoreError } from '@securestore/core-format';
import type { SecureStore } from 'securestore';
import { accessPending, sayWhereItCounts } from '../access/access-pending.ts';
import type { Call, ExitCode } from '../call/call.ts';
import { parseExpiry } from '../call/parse-time.ts';
import { Commands } from '../errors/hints.ts';
import { withHints } from '../errors/refuse.ts';
import { withStore } from '../store/open.ts';
import { formatTable, formatTime, printable } from '../terminal/terminal-text.ts';

export interface TokenOptions {
  readonly expires?: string;
}

/** `securestore token list`. */
export async function listTokens(call: Call): Promise<void> {
  await withStore(call, (store) => tokens(call, store));
}

/** `securestore token new`. */
export async function newToken(call: Call<TokenOptions>, principal: string): Promise<void> {
  const { cli, out, options } = call;
  const expires = options.expires === undefined ? undefined : parseExpiry('--expires', options.expires, cli.now());
  await withStore(call, async (store) => {
    const making = store.access.createToken(principal, { expires, signal: cli.signal });
    const made = await making.catch((error: unknown) => {
      if (!SecureStoreError.is(error, 'NOT_FOUND')) throw error;
      throw withHints(error, { text: 'a grant creates a principal', on: ['grant', principal, 'ROLE'] });
    });
    await out.result(made, () => made.token);
    out.note(`the token ${made.id} is shown this once; it acts as ${printable(made.principal)}`);
  });
}

/** `securestore token revoke`. */
export async function revokeToken(call: Call, id: string): Promise<ExitCode> {
  const { cli, out } = call;
  return await withStore(call, async (store) => {
    const changed = await store.access.revokeToken(id, { signal: cli.signal });
    const found = await accessPending(call, store, changed.pending);
    await out.result({ id, revoked: true, ...found.data }, () => `revoked the token ${printable(id)}`);
    return sayWhereItCounts(call, found);
  });
}

async function tokens(call: Call, store: SecureStore): Promise<void> {
  const { cli, out } = call;
  const found = await store.access.tokens({ signal: cli.signal });
  if (out.json) {
    for (const one of found) await out.result(one, () => []);
    return;
  }
  const columns = [{ title: 'ID' }, { title: 'PRINCIPAL' }, { title: 'CREATED' }, { title: 'UNTIL' }] as const;
  const rows = found.map(({ id, principal, created, expires }) => [
    id,
    printable(principal),
    formatTime(new Date(created)),
    expires === undefined ? '' : formatTime(new Date(expires)),
  ]);
  if (rows.length > 0) await out.result({}, () => formatTable(columns, rows));
  else out.note(printable(`no API tokens; to create one: ${new Commands(call).on(['token', 'new', 'PRINCIPAL'])}`));
}
