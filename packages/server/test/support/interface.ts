import type { World } from './world.ts';

/** An operation, as the description of the interface has it. */
export interface Operation {
  readonly method: string;
  readonly path: string;
  readonly access: {
    readonly call: string | null;
    readonly action?: string | null;
    readonly further?: readonly string[];
  };
  readonly parameters: readonly { readonly name: string; readonly in: string; readonly schema: Schema }[];
  readonly body: Readonly<Record<string, { readonly schema: Schema }>> | undefined;
  readonly answer: Schema | undefined;
}

/** As much of JSON Schema as the interface uses. */
export interface Schema {
  readonly type?: string;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly required?: readonly string[];
  readonly items?: Schema;
  readonly minItems?: number;
  readonly enum?: readonly unknown[];
  readonly anyOf?: readonly Schema[];
  readonly additionalProperties?: boolean | Schema;
  readonly minimum?: number;
  readonly format?: string;
  readonly pattern?: string;
  readonly examples?: readonly unknown[];
}

interface Described {
  readonly parameters: Operation['parameters'];
  readonly requestBody?: { readonly content: NonNullable<Operation['body']> };
  readonly responses: { readonly 200: { readonly content?: Readonly<Record<string, { readonly schema: Schema }>> } };
  readonly security: readonly object[];
  readonly 'x-securestore-access'?: Operation['access'];
}

/** Everything that the server says it can be asked. */
export async function operationsOf({ send }: World, token: string): Promise<Operation[]> {
  const { paths } = (await send('GET', '/openapi.json', { token })).json() as {
    readonly paths: Readonly<Record<string, Readonly<Record<string, Described>>>>;
  };
  return Object.entries(paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, described]) => ({
      method: method.toUpperCase(),
      path,
      access: described['x-securestore-access'] ?? { call: 'none is said' },
      parameters: described.parameters,
      body: described.requestBody?.content,
      answer: described.responses[200].content?.['application/json']?.schema,
    })),
  );
}

/** Something that a schema allows. */
export function sampleOf(schema: Schema): unknown {
  if (schema.examples !== undefined) return schema.examples[0];
  if (schema.enum !== undefined) return schema.enum[0];
  if (schema.anyOf !== undefined) return sampleOf(schema.anyOf[0] ?? {});
  if (schema.type === 'object') {
    const required = schema.required ?? [];
    return Object.fromEntries(required.map((name) => [name, sampleOf(schema.properties?.[name] ?? {})]));
  }
  if (schema.type === 'array') return Array.from({ length: schema.minItems ?? 0 }, () => sampleOf(schema.items ?? {}));
  if (schema.type === 'integer' || schema.type === 'number') return schema.minimum ?? 1;
  if (schema.type === 'boolean') return true;
  return schema.format === 'date-time' ? '2026-11-27T12:00:00.000Z' : 'sample';
}

/** The body that an operation takes, and its type. */
export function bodyFor({ body }: Operation): { readonly type: string; readonly body: string } | undefined {
  const [type] = Object.keys(body ?? {});
  if (type === undefined) return undefined;
  return { type, body: type === 'application/json' ? JSON.stringify(sampleOf(body?.[type]?.schema ?? {})) : 'data' };
}

/** A path with its names filled in. */
export function pathFor({ path, parameters }: Operation, key: string, id = 'sample'): string {
  const filled = path.replace('{key}', key).replaceAll(/\{\w+\}/g, id);
  const query = parameters.filter((one) => one.in === 'query' && (one as { required?: boolean }).required === true);
  const given = query.map(({ name, schema }) => `${name}=${encodeURIComponent(String(sampleOf(schema)))}`);
  return given.length === 0 ? filled : `${filled}?${given.join('&')}`;
}
