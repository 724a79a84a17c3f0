import type { Served } from './http-load.ts';
import { bodies } from '../measure/bodies.ts';
import type { Started } from '../measure/child.ts';
import type { Contender } from '../measure/model.ts';

const body: () => Uint8Array = bodies();
const DATA = { 'content-type': 'application/octet-stream' };

/** A server under load, written to and read from. */
export interface Subject {
  readonly name: string;
  readonly role: Contender['role'];
  readonly write: Served;
  readonly read: Served;
}

const objectPath = (index: number): string => `/v1/objects/k${index}`;

/** A server that takes objects as ours does. */
export function subjectAt(name: string, role: Contender['role'], url: string, token: string): Subject {
  const headers = { authorization: `Bearer ${token}` };
  return {
    name,
    role,
    write: {
      url,
      request: (index) => ({ method: 'PUT', path: objectPath(index), headers: { ...headers, ...DATA }, body: body() }),
    },
    read: { url, request: (index) => ({ method: 'GET', path: objectPath(index), headers }) },
  };
}

/** Ours, as `served-store.ts` tells of it. */
export function oursAt(name: string, { line }: Pick<Started, 'line'>): Subject {
  const { url, token } = JSON.parse(line) as { readonly url: string; readonly token: string };
  return subjectAt(name, 'ours', url, token);
}
