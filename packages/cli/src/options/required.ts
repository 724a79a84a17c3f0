import type { Option } from 'commander';

const REQUIRED = new WeakSet<Option>();

/** Marks an option without which its command does nothing. The command says so itself, with what helps. */
export function required(option: Option): Option {
  REQUIRED.add(option);
  return option;
}

/** Whether a command needs an option. */
export function isRequired(option: Option): boolean {
  return REQUIRED.has(option);
}

/** The part of a description that has the default of the option. */
const TOLD = /\(default: ([^()]+)\)|([\w-]+)(?:: [^;()]*)? \(the default\)/;

/** The value that is used without an option, as its help tells it; `undefined` if it has none. */
export function defaultOf({ defaultValue, description }: Option): string | undefined {
  if (typeof defaultValue === 'string') return defaultValue;
  const [, told, first] = TOLD.exec(description) ?? [];
  return told ?? first;
}
