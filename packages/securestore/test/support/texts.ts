import type { Job } from '../../src/index.ts';

const MAX_DEPTH = 12;

function isIterable(value: object): value is AsyncIterable<unknown> {
  return Symbol.asyncIterator in value;
}

/** The names of all that can be read of an object, getters of its class included. */
function namesOf(value: object): string[] {
  const names = new Set<string>();
  for (
    let at: object | null = value;
    at !== null && at !== Object.prototype;
    at = Object.getPrototypeOf(at) as object | null
  ) {
    for (const [name, property] of Object.entries(Object.getOwnPropertyDescriptors(at))) {
      if (at === value || property.get !== undefined) names.add(name);
    }
  }
  return [...names];
}

/**
 * Everything that an answer says, as text: of objects all they have, of errors their messages and causes, of bytes what
 * they are in ASCII, of streams and listings what comes of them, of jobs their steps and their end.
 */
export async function textsOf(answer: unknown): Promise<string> {
  const texts: string[] = [];
  const seen = new Set<object>();
  const visit = async (value: unknown, depth: number): Promise<void> => {
    if (Object(value) !== value) return void texts.push(String(value));
    const object = value as object;
    if (typeof object === 'function' || seen.has(object) || depth > MAX_DEPTH) return undefined;
    seen.add(object);
    if (object instanceof Date) return void texts.push(object.toISOString());
    if (object instanceof Uint8Array) return void texts.push(Buffer.from(object).toString('latin1'));
    if (object instanceof Error) texts.push(object.message);
    if ('progress' in object && 'then' in object) {
      const job = object as Job<unknown>;
      const steps = (async () => visit(await Array.fromAsync(job.progress), depth + 1))();
      await visit(await job, depth + 1);
      return steps;
    }
    if (object instanceof Map) return visit([...object], depth + 1);
    if (isIterable(object)) return visit(await Array.fromAsync(object), depth + 1);
    if (Symbol.iterator in object) {
      for (const one of object as Iterable<unknown>) await visit(one, depth + 1);
      return undefined;
    }
    for (const name of namesOf(object)) {
      texts.push(name);
      await visit(Reflect.get(object, name, object), depth + 1);
    }
    return undefined;
  };
  await visit(await answer, 0);
  return texts.join('\n');
}
