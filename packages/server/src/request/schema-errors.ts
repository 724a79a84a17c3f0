import type { FastifyError } from 'fastify';

/** What a schema says of a value, as far as the interface uses it. */
interface Wanted {
  readonly title?: string;
  readonly type?: string;
  readonly format?: string;
  readonly enum?: readonly unknown[];
  readonly minimum?: number;
  readonly exclusiveMinimum?: number;
  readonly maximum?: number;
  readonly minLength?: number;
  readonly maxLength?: number;
  readonly minItems?: number;
  readonly maxItems?: number;
  readonly properties?: Readonly<Record<string, Wanted>>;
}

type Problem = NonNullable<FastifyError['validation']>[number] & { readonly parentSchema?: Wanted };

const WHERE: Readonly<Record<string, string>> = { body: 'the body', querystring: 'the query', params: 'the path' };
/** More known members than these are not listed. */
const MAX_KNOWN = 8;
/** What may be a name: anything else that was sent in the place of one is not repeated. */
const NAME = /^[A-Za-z_][A-Za-z0-9_-]{0,63}$/;

/** The member that a query has which can't be read: no schema allows it. */
export const UNREADABLE = '%';

function range(from: number | undefined, to: number | undefined, unit: string): string {
  if (from !== undefined && to !== undefined) return ` of ${from} to ${to}${unit}`;
  if (from !== undefined) return ` of at least ${from}${unit}`;
  return to === undefined ? '' : ` of at most ${to}${unit}`;
}

/** What a value must be. */
function inWords(schema: Wanted): string {
  const { title, type, minimum, maximum, exclusiveMinimum, minLength, maxLength, minItems, maxItems } = schema;
  if (title !== undefined) return title;
  if (schema.enum !== undefined) return `one of ${schema.enum.join(', ')}`;
  if (schema.format === 'date-time') return 'a time in ISO 8601';
  if (type === 'integer') return `a whole number${range(minimum, maximum, '')}`;
  if (type === 'number') {
    return exclusiveMinimum === undefined
      ? `a number${range(minimum, maximum, '')}`
      : `a number over ${exclusiveMinimum}`;
  }
  if (type === 'boolean') return 'true or false';
  if (type === 'array') return `a list${range(minItems, maxItems, ' items')}`;
  return type === 'object' ? 'an object' : `a text${range(minLength, maxLength, ' characters')}`;
}

/** `/roles/0/name` as `roles[0].name`. */
function pathOf(pointer: string): string {
  return pointer
    .replaceAll(/\/(\d+)(?=\/|$)/g, '[$1]')
    .replaceAll(/\/([^/[]+)/g, '.$1')
    .slice(pointer.startsWith('/') ? 1 : 0);
}

/**
 * The message about an unknown member. Its name is repeated if it may be one; its value never is.
 *
 * @param where such as `the body`
 */
export function unknownMember(name: string, where: string, known: readonly string[]): string {
  const what = NAME.test(name) ? `unknown member "${name}"` : 'unknown member';
  if (known.length > MAX_KNOWN) return `${what} of ${where}`;
  return `${what} of ${where}, which takes ${known.length === 0 ? 'none' : known.toSorted().join(', ')}`;
}

/** The most telling problem: if a value has none of several forms, that it has none, and not what it lacks for the first one. */
function firstOf(problems: readonly Problem[]): Problem | undefined {
  const [first] = problems;
  return (
    problems.find(({ keyword, instancePath }) => keyword === 'anyOf' && first?.instancePath.startsWith(instancePath)) ??
    first
  );
}

/** What schemas say is wrong with a request: with which member, and what would be right; never what was sent. */
export function describeValidation({ validation = [], validationContext = 'body' }: FastifyError): string {
  const problem = firstOf(validation);
  const whole = WHERE[validationContext] ?? `the ${validationContext}`;
  if (problem === undefined) return `${whole} is not as /openapi.json has it`;
  const { keyword, instancePath, params, parentSchema = {} } = problem;
  const { properties = {} } = parentSchema;
  const path = pathOf(instancePath);
  const where = path === '' ? whole : `"${path}"`;
  if (keyword === 'additionalProperties') {
    if (params['additionalProperty'] === UNREADABLE) {
      return 'the query cannot be read: a name occurs twice, is empty or is not percent-encoded';
    }
    return unknownMember(String(params['additionalProperty']), where, Object.keys(properties));
  }
  if (keyword === 'required') {
    const missing = String(params['missingProperty']);
    return `${where} lacks "${missing}", which must be ${inWords(properties[missing] ?? {})}`;
  }
  return `${where} must be ${inWords(parentSchema)}`;
}
