import { cpus, release, totalmem } from 'node:os';

/** What the numbers were measured on, in one line. */
export function describeMachine(): string {
  const processors = cpus();
  const memory = `${Math.round(totalmem() / 2 ** 30)} GiB`;
  return [
    `${processors.length} × ${processors[0]?.model.trim() ?? process.arch}`,
    memory,
    `${process.platform} ${release()}`,
    `Node ${process.versions.node}`,
    `OpenSSL ${process.versions.openssl ?? 'none'}`,
  ].join(', ');
}
