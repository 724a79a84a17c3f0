import { execFile } from 'node:child_process';
import { delimiter, dirname, join, sep } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** The oldest release that a range such as `>=24.7` allows. */
function oldest(range: string): readonly number[] {
  const [, major = '0', minor = '0'] = /^>=(\d+)(?:\.(\d+))?/.exec(range) ?? [];
  return [Number(major), Number(minor)];
}

/** Whether a version such as `v24.11.0` is in a range such as `>=24.7`. */
function isEnough(version: string, range: string): boolean {
  const [, major = '0', minor = '0'] = /^v(\d+)\.(\d+)/.exec(version.trim()) ?? [];
  const [least = 0, leastMinor = 0] = oldest(range);
  return Number(major) > least || (Number(major) === least && Number(minor) >= leastMinor);
}

/**
 * What to do if the Node of an application is too old for the packages, or missing: lines that name the Node of the checkout.
 *
 * @param root of the checkout, whose own folders npm puts first in the search path
 * @param path the search path of this process
 * @param range of Node that the packages need
 * @param own the path of a Node that is in the range
 * @returns no lines if the Node of the application is in the range
 */
export async function adviceOnNode(
  { root, path, range, own }: Readonly<Record<'root' | 'path' | 'range' | 'own', string>>,
  application: string,
): Promise<string[]> {
  const folders = path.split(delimiter).filter((folder) => !folder.startsWith(`${root}${sep}`));
  const PATH = [join(application, 'node_modules', '.bin'), ...folders].join(delimiter);
  const version = await run('node', ['--version'], { cwd: application, env: { PATH } }).then(
    ({ stdout }) => stdout.trim(),
    () => undefined,
  );
  if (version !== undefined && isEnough(version, range)) return [];
  const found = version === undefined ? 'There is no Node' : `The Node there is ${version}`;
  return [
    `${found}, and the packages need ${range}. To use the Node of this checkout in a shell:`,
    `export PATH='${dirname(own).replaceAll("'", String.raw`'\''`)}':"$PATH"`,
  ];
}
