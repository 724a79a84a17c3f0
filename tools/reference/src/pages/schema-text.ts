import { slug } from '../../../docs-check/src/pages/links.ts';
import * as schemas from '../../../../packages/server/src/request/schemas.ts';
import { code, codes, fromPlain } from '../text/markdown.ts';

/** What a schema says of a value, as far as the interface uses it. */
export interface Schema {
  readonly title?: string;
  readonly description?: string;
  readonly type?: string;
  readonly format?: string;
  readonly enum?: readonly string[];
  readonly minimum?: number;
  readonly exclusiveMinimum?: number;
  readonly maxLength?: number;
  readonly maxItems?: number;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly patternProperties?: object;
  readonly additionalProperties?: unknown;
  readonly required?: readonly string[];
  readonly items?: Schema;
  readonly anyOf?: readonly Schema[];
}

/** Structures that several routes have: each is described once. */
export const TYPES: readonly (readonly [name: string, schema: Schema, text: string])[] = [
  ['Object', schemas.OBJECT_INFO, 'An object without its data.'],
  [
    'Changed object',
    schemas.CHANGED_OBJECT,
    'As an object. A caller who may not read the object gets only `key`, `version` and `modified`.',
  ],
  ['History entry', schemas.HISTORY_ENTRY, 'A retained version of an object.'],
  ['Policy', schemas.POLICY, 'The access policy.'],
  [
    'Rule',
    schemas.RULE,
    'A rule of a role. Without `keys` and `categories` the rule is about all objects and the store.',
  ],
  ['Approval rule', schemas.APPROVAL_RULE, 'Actions that need the approval of a second person.'],
  ['Approval request', schemas.APPROVAL_REQUEST, 'A request for approval, with the plan of the attempt.'],
  ['Health report', schemas.HEALTH_REPORT, 'The result of all health checks.'],
  ['Problem', schemas.PROBLEM, 'An error.'],
] as (readonly [string, Schema, string])[];

/** A description with its quoted names as code. */
export const described = (text: string): string => fromPlain(text).replaceAll(/"([^"`]+)"/g, '`$1`');

/** The structure that a schema is; a description of its own may have been added to it. */
export function structureOf(schema: Schema): string | undefined {
  const found = TYPES.find(([, one]) => one === schema || (one.properties ?? one) === schema.properties);
  return found && `[${found[0]}](#${slug(found[0])})`;
}

/** More choices than these are in a page of their own. */
const MAX_CHOICES = 8;

function choicesOf(choices: readonly string[]): string {
  if (choices.length > MAX_CHOICES) return 'one of the [error codes](../errors.md)';
  const last = choices.at(-1) ?? '';
  return choices.length === 1 ? code(last) : `${codes(choices.slice(0, -1))} or ${code(last)}`;
}

/** The type of a value in a few words. */
export function typeOf(schema: Schema): string {
  const known = structureOf(schema);
  if (known !== undefined) return known;
  if (schema.enum !== undefined) return choicesOf(schema.enum);
  if (schema.anyOf !== undefined) return 'object';
  if (schema.format === 'date-time' || schema.title?.startsWith('a time in ISO') === true) return 'time';
  if (schema.title?.startsWith('a whole number') === true) return 'whole number';
  switch (schema.type) {
    case 'integer':
      return 'whole number';
    case 'boolean':
      return '`true` or `false`';
    case 'array':
      return `list of ${schema.items === undefined ? 'values' : plural(schema.items)}`;
    case 'string':
      return 'text';
    default:
      return schema.type ?? 'any value';
  }
}

function plural(schema: Schema): string {
  const type = typeOf(schema);
  if (type.startsWith('[') || type.includes('`')) return type;
  return `${type}s`;
}

function boundsOf({ maxLength, maxItems, minimum, exclusiveMinimum, format, title, enum: values }: Schema): string {
  if (format !== undefined || title !== undefined || values !== undefined) return '';
  if (maxItems !== undefined) return `, at most ${maxItems.toLocaleString('en')}`;
  if (maxLength !== undefined) return `, at most ${maxLength.toLocaleString('en')} characters`;
  if (exclusiveMinimum !== undefined) return `, over ${exclusiveMinimum}`;
  return minimum === undefined ? '' : `, at least ${minimum}`;
}

/** The description of a value, with that of its members if it has a few. */
function meaningOf(schema: Schema): string {
  const told = schema.description ?? schema.title;
  const text = told === undefined ? '' : described(told);
  if (structureOf(schema) !== undefined || schema.properties === undefined) return text;
  const names = Object.keys(schema.properties);
  if (names.length === 0) return text;
  return `${text}${text === '' ? '' : ': '}${codes(names)}`;
}

export type Row = readonly [field: string, place: string, type: string, meaning: string];

export function rowsOf(place: string, schema: Schema): Row[] {
  return Object.entries(schema.properties ?? {}).map(([name, one]) => {
    const required = schema.required?.includes(name) === true ? ', required' : '';
    return [code(name), place, `${typeOf(one)}${boundsOf(one)}${required}`, meaningOf(one)];
  });
}
