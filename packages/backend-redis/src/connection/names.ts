/** The names of one store on the server. They share a hash tag, so that a cluster keeps them together. */
export interface Names {
  /** A sorted set of all keys, with equal scores and so in byte order. */
  readonly index: string;
  /** A hash: for each key `etag size modified`. */
  readonly meta: string;
  /** A hash: the layout and the last time that was given. */
  readonly clock: string;
  readonly body: (key: string) => string;
}

export function namesUnder(prefix: string): Names {
  const tag = `{${prefix}}`;
  return { index: `${tag}:index`, meta: `${tag}:meta`, clock: `${tag}:clock`, body: (key) => `${tag}:body:${key}` };
}
