import { type Command, Option } from 'commander';
import { addVerb, type Run } from '../call.ts';
import type { VerifyOptions } from '../commands/verify.ts';

function addVerify(program: Command, run: Run): void {
  addVerb<VerifyOptions, [string | undefined]>(program, run, {
    usage: 'verify [location]',
    summary: 'check that the store (default: --store) holds what was stored',
    options: [
      new Option('--payloads', 'read large objects too, not only whether all their parts are there'),
      new Option('--checkpoint', 'where nothing is wrong, remember what the store holds for the next verify'),
    ],
    notes: `Every record is read, as get does. What was put back, hidden or brought back to life shows against the last
checkpoint, which is kept in the store, signed and sealed. An older copy of the whole store shows against the anchor.

Each finding is one line. Exit code 5 where anything was found. Nothing is written without --checkpoint.`,
    load: async () => (await import('../commands/verify.ts')).verify,
  });
}

/** Adds the verbs that check a store. */
export function addCheckVerbs(program: Command, run: Run): void {
  program.commandsGroup('Checks:');
  addVerify(program, run);
}
