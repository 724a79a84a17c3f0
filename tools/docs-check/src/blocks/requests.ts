import { buildValidator } from '../../../../packages/server/src/request/schema-compiler.ts';
import { ROUTES } from '../../../../packages/server/src/routes/index.ts';
import type { Words } from './shell-words.ts';

/** A request that a page shows. */
export interface Request {
  readonly method: string;
  /** With its query. */
  readonly path: string;
  /** As text; `undefined` if there is none, or the page does not show it. */
  readonly body: string | undefined;
}

type Route = (typeof ROUTES)[number];

/** Options of curl that take a value and say nothing of the request that is checked. */
const WITH_VALUE: ReadonlySet<string> = new Set(['-H', '-D', '-o', '-w', '--cert', '--key', '--cacert', '--max-time']);
const BODIES: ReadonlySet<string> = new Set(['-d', '--data', '--data-binary', '--json']);
const SERVER = /^(?:https?:\/\/[\w.:-]+|\$\{?\w+\}?)(?=\/)/;

/** The request that a command of curl makes. @throws Error if an option is unknown */
export function requestOf(words: Words): Request {
  let method: string | undefined;
  let body: string | undefined;
  let url = '';
  for (let at = 1; at < words.length; at += 1) {
    const word = words[at] ?? '';
    const value = words[at + 1] ?? '';
    if (word === '-X') method = value;
    else if (word === '-T') method ??= 'PUT';
    else if (BODIES.has(word)) {
      method ??= 'POST';
      body = value.startsWith('@') ? undefined : value;
    } else if (!word.startsWith('-')) {
      url = word;
      continue;
    } else if (!WITH_VALUE.has(word)) {
      if (/^-[sSfNi]+$/.test(word)) continue;
      throw new Error(`curl: unknown option ${word}`);
    }
    at += 1;
  }
  return { method: method ?? 'GET', path: url.replace(SERVER, ''), body };
}

/** The request of a block of `http`: a method and a path, and after an empty line the body. */
export function requestIn(text: string): Request {
  const [, method = '', path = '', body] = /^([A-Z]+) (\S+)\n(?:\n([^]+))?$/.exec(text) ?? [];
  return { method, path, body };
}

function fits({ method, path }: Route, asked: Request, pathname: string): boolean {
  if (method !== asked.method) return false;
  const pattern = path
    .split(/(\{\w+\})/)
    .map((part) => (part === '{key}' ? '.+' : part.startsWith('{') ? '[^/]+' : RegExp.escape(part)))
    .join('');
  return new RegExp(`^${pattern}$`).test(pathname);
}

/** A number, if a schema wants one: a query is text. */
function valueFor(schema: { readonly type?: string } | undefined, text: string): unknown {
  if (schema?.type === 'integer' || schema?.type === 'number') return Number(text);
  return schema?.type === 'boolean' ? text === 'true' : text;
}

const compile = buildValidator(
  {},
  {
    customOptions: { coerceTypes: false, removeAdditional: false, useDefaults: false },
  },
);

/** What a schema says against a value; `undefined` if nothing. */
function mistakeBy(schema: object, value: unknown): string | undefined {
  const validator = compile({ schema, method: 'POST', url: '/', httpPart: 'body' }) as {
    (value: unknown): unknown;
    errors?: readonly { readonly instancePath: string; readonly message: string; readonly params: object }[];
  };
  if (validator(value) === true) return undefined;
  const [error] = validator.errors ?? [];
  return `${error?.instancePath ?? ''} ${error?.message ?? ''} ${JSON.stringify(error?.params)}`.trim();
}

/** What is wrong with a request; `undefined` if a route takes it. */
export function mistakeInRequest(asked: Request): string | undefined {
  const [pathname = '', search = ''] = asked.path.split('?');
  const route = ROUTES.find((one) => fits(one, asked, pathname));
  if (route === undefined) return `${asked.method} ${pathname} is no route`;
  const query = [...new URLSearchParams(search)];
  const schemas = (route.query?.properties ?? {}) as Readonly<Record<string, { readonly type?: string }>>;
  const values = Object.fromEntries(query.map(([name, text]) => [name, valueFor(schemas[name], text)]));
  const [unknown] = Object.keys(values).filter((name) => !Object.hasOwn(schemas, name));
  if (unknown !== undefined) return `${asked.method} ${pathname} has no query parameter ${unknown}`;
  const inQuery = route.query === undefined ? undefined : mistakeBy(route.query, values);
  if (inQuery !== undefined) return `the query: ${inQuery}`;
  if (asked.body === undefined) return undefined;
  if (route.body === undefined) return `${asked.method} ${pathname} takes no body`;
  if (typeof route.body === 'string') return undefined;
  const inBody = mistakeBy(route.body.json, JSON.parse(asked.body));
  return inBody === undefined ? undefined : `the body: ${inBody}`;
}

/** What is wrong with a JSON text that is the answer to a failed request; `undefined` if nothing. */
export function mistakeInProblem(schema: object, value: unknown): string | undefined {
  return mistakeBy(schema, value);
}
