import type { Call } from '../call/call.ts';
import { Commands, type OwnHint } from '../errors/hints.ts';

/** The beginning of a store URL that no one gives keys. */
const STORE_URL = /^(?:(?:file|sqlite):.|[a-z][a-z0-9+]*:\/\/)/;

/** A hint if `ls` was given a store URL as its prefix, which `verify` and `init` take as their operand. */
export function mistakenOperand(call: Pick<Call, 'verb' | 'args' | 'options'>): OwnHint[] {
  const url = call.verb === 'ls' ? call.args.find((arg) => STORE_URL.test(arg)) : undefined;
  if (url === undefined) return [];
  const commands = new Commands(call);
  return [{ text: 'if that is the store', command: commands.elsewhere(['ls'], { store: url }) }];
}
