import { spawn } from 'node:child_process';
import { constants } from 'node:os';
import { delimiter, join } from 'node:path';

/** For programs in Go that run once, the compiler and the linter: with the default of 100 they collect garbage for a quarter of their time. */
export const GO_ENVIRONMENT = { GOGC: '400' };

/** @param {string} root */
export function localBin(root) {
  return join(root, 'node_modules', '.bin');
}

/**
 * `PATH` without this checkout's own commands, for what must outlive a replaced `node_modules`.
 *
 * @param {string} root
 */
export function outerPath(root) {
  const local = localBin(root);
  return (process.env.PATH ?? '')
    .split(delimiter)
    .filter((folder) => folder !== local)
    .join(delimiter);
}

/**
 * Runs a program on this terminal to its end and returns its exit code. Signals reach the program, which decides
 * what they mean; this process stays until it is gone.
 *
 * @param {string} program
 * @param {string[]} args
 * @param {import('node:child_process').SpawnOptions} options
 * @returns {Promise<number>}
 */
export function runChild(program, args, options) {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, { stdio: 'inherit', ...options });
    const stop = passSignals(child);
    process.on('SIGINT', stay);
    const settle = () => {
      process.off('SIGINT', stay);
      stop();
    };
    child.once('error', (error) => {
      settle();
      reject(error);
    });
    child.once('close', (code, signal) => {
      settle();
      resolve(code ?? 128 + (constants.signals[signal ?? 'SIGTERM'] ?? 0));
    });
  });
}

/**
 * Passes on to a child what is to end this process, which stays until the child is gone.
 *
 * @param {import('node:child_process').ChildProcess} child
 * @returns {() => NodeJS.Signals | undefined} stops that; returns the signal that came last, if one did
 */
export function passSignals(child) {
  /** @type {NodeJS.Signals | undefined} */
  let last;
  /** @param {NodeJS.Signals} signal */
  const pass = (signal) => {
    last = signal;
    child.kill(signal);
  };
  process.on('SIGTERM', pass).on('SIGHUP', pass);
  return () => {
    process.off('SIGTERM', pass).off('SIGHUP', pass);
    return last;
  };
}

/** A terminal's interrupt goes to the whole process group, so it must not be sent to the program a second time. */
function stay() {}
