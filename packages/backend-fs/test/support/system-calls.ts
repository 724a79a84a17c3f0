import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { BackendDefinition, StorageBackend } from '@securestore/backend-api';
import { expect, test } from 'vitest';
import { LONG, TORTURE } from '../../../../tools/campaigns/src/size.ts';
import { NO_TRACER } from '../../../../tools/campaigns/src/trace/tracer.ts';
import { stepsOf } from './steps.ts';

const PROGRAM = fileURLToPath(new URL('./steps-process.ts', import.meta.url));

/** What happens to one system call of the process. */
export interface Tampering {
  readonly call: string;
  /** An error such as `EIO`, or `kill`. */
  readonly fault: string;
  /** Which call of that name, from 1. */
  readonly when: number;
}

/** Runs the steps with one call tampered with; `false` if there are fewer such calls. */
async function tamperWithOne(packageName: string, scheme: string, { call, fault, when }: Tampering): Promise<boolean> {
  const folder = mkdtempSync(join(tmpdir(), 'securestore-calls-'));
  const url = `${scheme}:${folder}/vault`;
  const action = fault === 'kill' ? 'signal=SIGKILL' : `error=${fault}`;
  // Then the tracer stops at these calls alone. It can't send signals there.
  const fast = fault === 'kill' ? [] : ['--seccomp-bpf'];
  const inject = ['-e', `trace=${call}`, '-e', `inject=${call}:${action}:when=${when}`];
  // On the packages as bundled when the tests began: without its cache Node compiles all of the sources.
  const node = [process.execPath, '--no-warnings', PROGRAM, packageName, url];
  try {
    const log = join(folder, 'log');
    const { stdout, stderr } = spawnSync('strace', ['-f', ...fast, '-qq', '-o', log, ...inject, ...node], {
      encoding: 'utf8',
      // The calls that are counted are those of the steps.
      env: { ...process.env, NODE_DISABLE_COMPILE_CACHE: '1' },
    });
    const traced = spawnSync('grep', ['-cE', fault === 'kill' ? 'killed by SIGKILL' : 'INJECTED', log], {
      encoding: 'utf8',
    });
    if (fault !== 'kill') assert.ok(stdout.split('\n').length > 1, `the steps did not end: ${stderr}`);
    await checkState(packageName, url, stdout, `${fault} at ${call} ${when}: ${stdout.replaceAll('\n', ', ')}`);
    return Number(traced.stdout) > 0;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Each key holds what the steps that were done say, or what the one in doubt says; and the store still works. */
async function checkState(packageName: string, url: string, stdout: string, what: string): Promise<void> {
  // The package's default export is a definition by the contract.
  const { default: definition } = (await import(packageName)) as { default: BackendDefinition };
  const backend = definition.create();
  await backend.init({ url, options: {} });
  const allowed = statesAfter(backend, stdout);
  for (const [key, bodies] of allowed) {
    const found = await backend.read(key);
    const fits = bodies.some((body) =>
      body === undefined ? found === undefined : found && Buffer.compare(body, found.body) === 0,
    );
    assert.ok(fits, `${key} holds what no order of events explains; ${what}`);
  }
  await backend.write('o/after', new Uint8Array(1));
  await backend.close();
}

function statesAfter(backend: StorageBackend, stdout: string): Map<string, (Uint8Array | undefined)[]> {
  const outcomes = stdout.split('\n').map((line) => line.split(' ')[0]);
  const states = new Map<string, (Uint8Array | undefined)[]>();
  for (const [index, { key, after }] of stepsOf(backend).entries()) {
    const before = states.get(key) ?? [undefined];
    const outcome = outcomes[index];
    // The first step without a word was under way when the process was killed; those behind it never began.
    const inDoubt = outcome === 'unknown' || (outcome === '' && index === outcomes.length - 1);
    if (outcome === 'done') states.set(key, [after]);
    else states.set(key, inDoubt ? [...before, after] : before);
  }
  return states;
}

/** Tampers with every call of `call` in turn, or with only each `stride`th; says how many it reached. */
async function tamperWithAll(
  packageName: string,
  scheme: string,
  { call, fault, stride }: { call: string; fault: string; stride: number },
): Promise<number> {
  for (let reached = 0; ; reached++) {
    if (!(await tamperWithOne(packageName, scheme, { call, fault, when: 1 + reached * stride }))) return reached;
  }
}

/** A call, what happens to it, and to which of that name in a short run, from 1. */
export type TamperedCall = readonly [call: string, fault: string, when: number];

/** Declares the tests of tampered calls: in torture every call in turn, in full every `stride`-th, in short one. */
export function describeTampering(
  packageName: string,
  scheme: string,
  stride: number,
  calls: readonly TamperedCall[],
): void {
  test.for(calls)(
    '%s: %s leaves the old or the new, whole, and says which',
    { timeout: 600_000 },
    async ([call, fault, when], context) => {
      if (NO_TRACER !== undefined) context.skip(NO_TRACER);
      const tampered = LONG
        ? tamperWithAll(packageName, scheme, { call, fault, stride: TORTURE ? 1 : stride })
        : tamperWithOne(packageName, scheme, { call, fault, when }).then(Number);
      expect(await tampered).toBeGreaterThan(0);
    },
  );
}
