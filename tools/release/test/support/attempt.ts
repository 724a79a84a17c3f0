import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect } from 'vitest';
import { release } from '../../src/release.ts';
import type { Surroundings } from '../../src/release.ts';
import type { Repository } from './repository.ts';

/** What the release workflow has. */
export const WORKFLOW: Readonly<Record<string, string>> = {
  ACTIONS_ID_TOKEN_REQUEST_URL: 'https://example.org/token',
  ACTIONS_ID_TOKEN_REQUEST_TOKEN: 'token',
  GITHUB_SERVER_URL: 'https://example.org',
  GITHUB_REPOSITORY: 'us/store',
};
const SOUND: Omit<Surroundings, 'log' | 'publish'> = {
  env: WORKFLOW,
  build: async () => true,
  check: async () => 0,
};

/** How a release ended. */
export interface Outcome {
  readonly code: number;
  readonly said: string;
  /** The manifests of `securestore` as published. */
  readonly published: readonly string[];
}

/** Releases a made-up repository, as a dry run if nothing else is said, where publishing is only counted. */
export async function attempt(
  { root }: Repository,
  { dryRun = true, ...changed }: Partial<Surroundings> & { dryRun?: boolean } = {},
): Promise<Outcome> {
  const lines: string[] = [];
  const published: string[] = [];
  const publish = async (checkout: string): Promise<boolean> => {
    published.push(await readFile(join(checkout, 'packages/securestore/package.json'), 'utf8'));
    return true;
  };
  const log = (line: string): void => void lines.push(line);
  const code = await release(root, { dryRun }, { ...SOUND, log, publish, ...changed });
  return { code, said: lines.join('\n'), published };
}

export function expectRefusal(outcome: Outcome, ...findings: (string | RegExp)[]): void {
  expect(outcome).toMatchObject({ code: 1, published: [] });
  for (const finding of findings) expect(outcome.said).toMatch(finding);
  expect(outcome.said).toMatch(/Nothing was published\.$/);
}
