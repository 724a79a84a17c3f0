import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { bodies } from '../measure/bodies.ts';
import { started } from '../measure/child.ts';
import type { Area, Comparison, Target } from '../measure/model.ts';
import type { Subject } from '../raw/served-objects.ts';
import { oursAt, subjectAt } from '../raw/served-objects.ts';
import type { LoadFigures } from '../raw/http-load.ts';
import { load } from '../raw/http-load.ts';
import { prepare } from '../rivals/load.ts';
import { startOpenBao } from '../rivals/openbao.ts';

const body: () => Uint8Array = bodies();
/** Requests under way at once, each on a connection of its own. */
const WIDTH = 16;

const secretPath = (index: number): string => `/v1/secret/data/k${index}`;

/** An object as OpenBao takes it. */
const secret = (): string => JSON.stringify({ data: { value: Buffer.from(body()).toString('base64') } });

function openBaoAt(name: string, url: string, token: string): Subject {
  const headers = { 'x-vault-token': token };
  return {
    name,
    role: 'rival',
    write: { url, request: (index) => ({ method: 'POST', path: secretPath(index), headers, body: secret() }) },
    read: { url, request: (index) => ({ method: 'GET', path: secretPath(index), headers }) },
  };
}

const FIGURES = [
  ['rate', 'per second'],
  ['p50', 'ms'],
  ['p99', 'ms'],
] as const;
const NAMES: Readonly<Record<keyof LoadFigures, string>> = {
  rate: 'requests',
  p50: 'what half of them take',
  p99: 'what 99 of 100 take',
};

const atLeast = (factor: number): readonly Target[] => [{ bound: 'at least', factor, of: 'the best rival' }];
const NOT_LATER: readonly Target[] = [{ bound: 'at most', factor: 1, of: 'the best rival' }];
const TARGETS: Readonly<Record<'write' | 'read', Readonly<Record<keyof LoadFigures, readonly Target[]>>>> = {
  write: { rate: atLeast(3), p50: [], p99: NOT_LATER },
  read: { rate: atLeast(1.25), p50: [], p99: NOT_LATER },
};

/** 1 KiB objects over loopback, beside the framework alone and a server that people would use instead. */
export const server: Area = {
  title: `A server over loopback, 1 KiB, ${WIDTH} requests at once`,
  async *comparisons({ scale, scratch, absent }) {
    const count = Math.max(WIDTH, Math.ceil(4000 * scale));
    const program = new URL('../programs/served-store.ts', import.meta.url);
    const workers = Math.max(2, availableParallelism());
    const alone = await started(program, `sqlite:${join(scratch, 'served.db')}`);
    const several = await started(program, `sqlite:${join(scratch, 'served-by-workers.db')}`, String(workers));
    const bare = await started(new URL('../raw/bare-server.ts', import.meta.url));
    const bao = await prepare('OpenBao', () => startOpenBao(join(scratch, 'bao')), absent);
    try {
      const subjects = [
        oursAt('securestore, sqlite:', alone),
        oursAt(`securestore, sqlite:, ${workers} workers`, several),
        subjectAt('the framework alone', 'raw', bare.line, ''),
        ...(bao === undefined ? [] : [openBaoAt(`${bao.name}, raft`, bao.url, bao.token)]),
      ];
      for (const kind of ['write', 'read'] as const) {
        for (const [figure, unit] of FIGURES) {
          yield {
            work: `${kind}s: ${NAMES[figure]}`,
            unit,
            targets: TARGETS[kind][figure],
            contenders: subjects.map(({ name, role, [kind]: served }) => ({
              name,
              role,
              sample: async () => (await load(served, count, WIDTH))[figure],
            })),
          } satisfies Comparison;
        }
      }
    } finally {
      for (const { end } of [alone, several, bare, ...(bao === undefined ? [] : [bao])]) end();
    }
  },
};
