import { fork } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import process from 'node:process';
import { SecureStoreError } from '@securestore/core-format';
import type { WorkerOptions } from './worker-options.ts';

/** Failures to start a process that may pass. */
const PASSING: ReadonlySet<string> = new Set(['EAGAIN', 'EMFILE', 'ENFILE', 'ENOMEM']);

function cannotStart(why: string, mayPass: boolean): SecureStoreError {
  return new SecureStoreError(mayPass ? 'UNAVAILABLE' : 'INVALID_ARGUMENT', `cannot start a process: ${why}`, {
    retryable: mayPass,
  });
}

/**
 * Starts the process of a worker.
 *
 * @throws SecureStoreError `UNAVAILABLE` if the system has no descriptor, process or memory for it; `INVALID_ARGUMENT` for any other failure
 */
export function startChild({ module, args, env }: WorkerOptions): ChildProcess {
  let child: ChildProcess;
  try {
    child = fork(module, [...(args ?? [])], {
      env: { ...(env ?? process.env) },
      serialization: 'advanced',
      // Descriptor 3 is that of the messages.
      stdio: ['ignore', 'inherit', 'inherit', 'ipc', 'pipe'],
    });
  } catch (error) {
    const { code = 'unknown reason' } = error as { readonly code?: string };
    throw cannotStart(code, PASSING.has(code));
  }
  if (child.pid !== undefined) return child;
  // Node tells the reason of some failures by an event, and then the child may have neither streams nor a channel.
  child.on('error', () => undefined);
  throw cannotStart('the system has no descriptor or process for it', true);
}
