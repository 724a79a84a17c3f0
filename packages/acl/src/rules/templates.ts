import type { Rule } from './types.ts';

/** What the usual roles may do; each is a rule to begin with, for all keys or for some. */
export type Template =
  | 'reader'
  | 'writer'
  | 'operator'
  | 'auditor'
  | 'backup-operator'
  | 'recovery-officer'
  | 'administrator';

const ACTIONS: Readonly<Record<Template, Rule['actions']>> = {
  reader: ['read', 'list', 'history'],
  writer: ['read', 'list', 'history', 'write', 'delete', 'recover'],
  // Keeps the store running and sees no object.
  operator: ['verify', 'checkpoint', 'collect', 'health', 'jobs', 'rotate', 'keys.view', 'slots.view'],
  auditor: ['audit.view', 'access.view', 'members.view', 'keys.view', 'slots.view', 'health', 'backup.view'],
  'backup-operator': ['backup', 'backup.view', 'jobs', 'health'],
  'recovery-officer': ['restore', 'restore.replace', 'recover', 'history', 'list', 'backup.view', 'jobs', 'health'],
  administrator: ['*'],
};

/** The names of the templates. */
export const TEMPLATES: readonly Template[] = Object.keys(ACTIONS) as Template[];

/**
 * The rules of a template. With `keys` the actions on objects are allowed for those keys alone, and those on the whole
 * store, which has no keys, not at all.
 */
export function templateRules(template: Template, keys?: readonly string[]): Rule[] {
  const rule: Rule = { effect: 'allow', actions: ACTIONS[template] };
  return [keys === undefined ? rule : { ...rule, keys }];
}
