import { similarTo } from '@securestore/backend-api';
import { compilePattern, SecureStoreError } from '@securestore/core-format';
import type { Rule, Template } from 'securestore';
import { splitNames } from './access-text.ts';
import { refusal, refuse } from '../errors/refuse.ts';

type ActionPattern = Rule['actions'][number];

/** Those of the library, which is not loaded to check them: one too few or too many does not compile. */
const ACTIONS: Readonly<Record<ActionPattern, true>> = {
  read: true,
  list: true,
  history: true,
  write: true,
  delete: true,
  recover: true,
  purge: true,
  backup: true,
  'backup.view': true,
  'backup.manage': true,
  restore: true,
  'restore.replace': true,
  rotate: true,
  migrate: true,
  verify: true,
  checkpoint: true,
  collect: true,
  health: true,
  jobs: true,
  'keys.view': true,
  'keys.destroy': true,
  'slots.view': true,
  'slots.change': true,
  'access.view': true,
  'access.change': true,
  'members.view': true,
  'members.change': true,
  'settings.change': true,
  'audit.view': true,
  'audit.change': true,
  approve: true,
  '*': true,
  'keys.*': true,
  'slots.*': true,
  'access.*': true,
  'members.*': true,
  'audit.*': true,
};

/** Those of the library, which is not loaded to show help: one too few or too many does not compile. */
export const TEMPLATES: Readonly<Record<Template, true>> = {
  reader: true,
  writer: true,
  operator: true,
  auditor: true,
  'backup-operator': true,
  'recovery-officer': true,
  administrator: true,
};

/** What is longer is not repeated in an error, in characters. */
const MAX_SHOWN = 64;

const isAction = (name: string): name is ActionPattern => Object.hasOwn(ACTIONS, name);

/**
 * The actions of lists that may hold commas.
 *
 * @param option the option that gives them; none if they are an operand
 * @throws `INVALID_ARGUMENT` if there is no such action
 */
export function parseActions(lists: readonly string[], option?: string): ActionPattern[] {
  return splitNames(lists).map((name) => {
    if (isAction(name)) return name;
    const shown = name.length <= MAX_SHOWN ? `unknown action ${JSON.stringify(name)}` : 'unknown action';
    const meant = similarTo(name, Object.keys(ACTIONS));
    throw refusal('INVALID_ARGUMENT', option === undefined ? shown : `${shown} in ${option}`, {
      hints: meant === undefined ? [] : [{ text: `did you mean ${meant}` }],
      advice: [{ id: 'list-actions' }],
    });
  });
}

function checkPattern(pattern: string): void {
  try {
    compilePattern(pattern);
  } catch (error) {
    if (!SecureStoreError.is(error, 'INVALID_ARGUMENT')) throw error;
    const hints = pattern.endsWith('/')
      ? [{ text: `for all keys of a folder, give ${JSON.stringify(`${pattern}**`)}` }]
      : [];
    refuse(`--keys must be a pattern of keys: ${error.message}`, ...hints);
  }
}

/** The objects that a rule is about. @throws `INVALID_ARGUMENT` for what is no pattern of keys, or no name of a category */
export function parseScope({
  keys,
  category,
}: {
  readonly keys?: readonly string[] | undefined;
  readonly category?: readonly string[] | undefined;
}): Pick<Rule, 'keys' | 'categories'> {
  for (const pattern of keys ?? []) checkPattern(pattern);
  if (category?.includes('') === true) refuse('--category must name a category, got ""');
  return { ...(keys && { keys }), ...(category && { categories: category }) };
}
