/** The names that a new backend has, all from its scheme. */
export interface Names {
  readonly scheme: string;
  /** Its name in errors. Like the name of a package, it has no plus sign. */
  readonly name: string;
  /** Of its class, without `Backend`. */
  readonly type: string;
  readonly packageName: string;
}

export function namesOf(scheme: string): Names {
  const words = scheme.split(/[+-]+/).filter((word) => word !== '');
  const type = words.map((word) => word.charAt(0).toUpperCase() + word.slice(1)).join('');
  const name = words.join('-');
  return { scheme, name, type, packageName: `securestore-backend-${name}` };
}

/** A package of the project that is not published yet, next to the package that needs it. */
export interface Vendored {
  readonly name: string;
  readonly version: string;
  /** Its path in the new package. */
  readonly file: string;
}

/** The command that installs a new package. With `--no-save`, because other users do not have the files. */
export function installCommand(vendored: readonly Vendored[]): string {
  return `npm install --no-save ${vendored.map(({ file }) => `./${file}`).join(' ')}`;
}

function only(guide: string, pattern: RegExp, what: string): string {
  const [, found] = pattern.exec(guide) ?? [];
  if (found === undefined) throw new Error(`docs/build/backend.md has no ${what}.`);
  return found;
}

/** The example of the guide under other names. Its variables keep theirs: a scheme need not be an identifier. */
function renamed(text: string, { scheme, name, type, packageName }: Names): string {
  return text
    .replaceAll('securestore-backend-shelf', packageName)
    .replaceAll('ShelfBackend', `${type}Backend`)
    .replaceAll("['shelf']", `['${scheme}']`)
    .replaceAll("'shelf'", `'${name}'`)
    .replaceAll('"shelf"', `"${scheme}"`)
    .replaceAll('`shelf:', `\`${scheme}:`);
}

/** The dependencies of the guide, in the versions of the vendored packages. */
function inVersions(dependencies: unknown, vendored: readonly Vendored[]): Record<string, string> {
  const found = Object.fromEntries(vendored.map(({ name, version }) => [name, `^${version}`]));
  const names = Object.entries(dependencies as Readonly<Record<string, string>>);
  return Object.fromEntries(names.map(([name, range]) => [name, found[name] ?? range]));
}

function readme({ scheme, type, packageName }: Names, install: string): string {
  return `# ${packageName}

A backend of securestore, for \`${scheme}:\` store URLs. It stores bodies in the memory of the process: replace the map
in \`src/index.ts\` with your store, and keep \`npm test\` passing. It needs Node 24.7 or newer.

\`\`\`sh
${install}
npm test            # the types of the tests, and the conformance suite
npm pack            # builds it first
\`\`\`

\`\`\`ts
import { openStore, passphrase } from 'securestore';
import { ${type}Backend } from '${packageName}';

const backend = new ${type}Backend();
await using store = await openStore('${scheme}:somewhere', {
  backend,
  unlock: passphrase('correct horse battery staple'),
  create: true,
});
\`\`\`

An application that has the package among its own dependencies needs no \`backend\`: securestore finds the package by the scheme.

## Store URLs and options

\`${scheme}:name\`. The option \`pageSize\` is the most keys in a page of a listing: 1 to 10,000, default 1,000.

## Before you publish

Describe here which data survives a crash, the capabilities, the error codes, and what the provider can see and do. When the
\`@securestore/…\` packages are published, delete \`vendor/\`: \`npm install\` is then enough.
`;
}

/**
 * The files of a new package, by path. They are those of the guide, whose code is tested as printed.
 *
 * @param guide - the text of docs/build/backend.md
 */
export function filesOf(guide: string, names: Names, vendored: readonly Vendored[]): Map<string, string> {
  const code = [...guide.matchAll(/^```ts file=(\S+)\n(.*?)^```$/gms)];
  const manifest = only(guide, /^```json\n(\{\n {2}"name".*?)^```$/ms, 'package.json');
  const compiler = only(guide, /^```json\n(\{\n {2}"compilerOptions".*?)^```$/ms, 'tsconfig.json');
  const checker = only(guide, /^```json\n(\{ "extends".*?)^```$/ms, 'test/tsconfig.json');
  const written = JSON.parse(renamed(manifest, names)) as Readonly<Record<string, unknown>>;
  const described = {
    ...written,
    dependencies: inVersions(written['dependencies'], vendored),
    devDependencies: inVersions(written['devDependencies'], vendored),
  };
  return new Map([
    ...code.map(([, path = '', text = '']) => [path, renamed(text, names)] as const),
    ['package.json', `${JSON.stringify(described, null, 2)}\n`],
    ['tsconfig.json', compiler],
    ['test/tsconfig.json', checker],
    ['.gitignore', 'node_modules/\ndist/\n'],
    ['README.md', readme(names, installCommand(vendored))],
  ]);
}
