import { ADMINISTRATION, SURFACE } from '@securestore/acl';
import { FRAMED_TYPE, JSON_TYPE, PROBLEM_TYPE, RAW_TYPE } from '@securestore/protocol';
import type { TObject } from 'typebox';
import type { Route, RouteAccess, RouteBody } from './route.ts';
import { PROBLEM } from '../request/schemas.ts';

/** The action that the access policy decides about; `undefined` where it is no call with one action. */
function actionOf(access: RouteAccess): string | undefined {
  const actions: Readonly<Record<string, string>> = { ...SURFACE, ...ADMINISTRATION };
  return actions[access];
}

const content = (types: readonly string[], schema: object): object =>
  Object.fromEntries(types.map((type) => [type, { schema }]));

function bodyOf(body: RouteBody): object {
  if (body === 'data') return { required: true, content: content([RAW_TYPE], {}) };
  if (body === 'message') return { required: true, content: content([RAW_TYPE, FRAMED_TYPE], {}) };
  return { required: true, content: content([JSON_TYPE], body.json) };
}

function queryParameters({ properties, required }: TObject): object[] {
  return Object.entries(properties).map(([name, schema]) => ({
    name,
    in: 'query',
    required: required?.includes(name) ?? false,
    schema,
  }));
}

const KEY_PARAMETER = {
  name: 'key',
  in: 'path',
  required: true,
  description: 'each segment percent-encoded, with / between them as it is',
  schema: { type: 'string', minLength: 1, maxLength: 1024 },
};

const ID_PARAMETER = { in: 'path', required: true, schema: { type: 'string', pattern: '^[A-Za-z0-9_-]{1,64}$' } };

function parametersOf({ path, query, headers = {} }: Route): object[] {
  const names = [...path.matchAll(/\{(\w+)\}/g)].map(([, name = '']) => name);
  return [
    ...names.map((name) => (name === 'key' ? KEY_PARAMETER : { name, ...ID_PARAMETER })),
    ...(query === undefined ? [] : queryParameters(query)),
    ...Object.entries(headers).map(([name, description]) => ({
      name,
      in: 'header',
      description,
      schema: { type: 'string' },
    })),
  ];
}

/** What is decided by what is asked for, or by nothing but who asks. */
const OTHER_ACTIONS: Readonly<Partial<Record<RouteAccess, string>>> = {
  'approvals.approve': 'approve',
  'approvals.deny': 'approve',
};

function accessOf({ access, further = [] }: Route): object {
  if (access === 'public') return { call: null };
  if (access === 'authenticated') return { call: null, action: null };
  const action = actionOf(access) ?? OTHER_ACTIONS[access] ?? null;
  return { call: access, action, ...(further.length > 0 && { further }) };
}

function operationOf(route: Route): object {
  const { access, summary, description, body, answer } = route;
  const { json, media = [] } = answer;
  const answered = json === undefined ? content(media, {}) : content([JSON_TYPE], json);
  return {
    summary,
    ...(description !== undefined && { description }),
    operationId: `${route.method.toLowerCase()} ${route.path}`.replaceAll(/[^A-Za-z]+/g, '_').replace(/_$/, ''),
    parameters: parametersOf(route),
    ...(body !== undefined && { requestBody: bodyOf(body) }),
    responses: {
      200: { description: answer.description, ...(Object.keys(answered).length > 0 && { content: answered }) },
      default: { description: 'an error', content: content([PROBLEM_TYPE], { $ref: '#/components/schemas/Problem' }) },
    },
    security: access === 'public' ? [] : [{ bearer: [] }, { certificate: [] }],
    'x-securestore-access': accessOf(route),
  };
}

/** The description of an interface, from the very schemas by which its requests are checked. */
export function openApiOf(routes: readonly Route[], version: string): object {
  const paths: Record<string, Record<string, object>> = {};
  for (const route of routes) (paths[route.path] ??= {})[route.method.toLowerCase()] = operationOf(route);
  return {
    openapi: '3.1.1',
    info: { title: 'securestore', version, license: { name: 'MIT', identifier: 'MIT' } },
    paths,
    components: {
      schemas: { Problem: PROBLEM },
      securitySchemes: {
        bearer: {
          type: 'http',
          scheme: 'bearer',
          description: 'an API token of the store, or a JWT of a known issuer',
        },
        certificate: { type: 'mutualTLS', description: 'a certificate of the client' },
      },
    },
  };
}
