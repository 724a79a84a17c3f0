import { Option } from 'commander';

/** An option under an old name, which no help shows and which gives its value to the option that took its place. */
class OldSpelling extends Option {
  readonly #attribute: string;

  constructor(flags: string, attribute: string) {
    super(flags);
    this.#attribute = attribute;
    this.hideHelp();
  }

  override attributeName(): string {
    return this.#attribute;
  }
}

/**
 * The old spelling of an option, which does the same.
 *
 * @param flags as commander writes them, such as `--within <time>`
 * @param now the option that took its place
 */
function oldSpelling(flags: string, now: Option): Option {
  const old = new OldSpelling(flags, now.attributeName());
  if (now.parseArg !== undefined && now.argChoices === undefined) old.argParser(now.parseArg);
  return old;
}

/** An option with its old spellings. */
export function renamed(now: Option, ...old: readonly string[]): Option[] {
  return [now, ...old.map((flags) => oldSpelling(flags, now))];
}
