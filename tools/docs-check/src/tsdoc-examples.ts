import { execFile } from 'node:child_process';
import { globSync, readFileSync } from 'node:fs';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import ts from 'typescript';

/** A code block of an `@example` in a comment. */
export interface TsdocExample {
  /** The file, from the root of the repository. */
  readonly file: string;
  /** The line of its first line of code, from 1. */
  readonly line: number;
  readonly code: string;
}

const OPENING = /^\s*\* ```ts$/;
const CLOSING = /^\s*\* ```$/;

/** The examples in the comments of a source file. */
export function tsdocExamplesOf(file: string, text: string): TsdocExample[] {
  const lines = text.split('\n');
  return lines.flatMap((line, at) => {
    if (!OPENING.test(line)) return [];
    const end = lines.findIndex((other, index) => index > at && CLOSING.test(other));
    if (end === -1) throw new Error(`The example in line ${at + 1} of ${file} isn't closed.`);
    const code = lines.slice(at + 1, end).map((one) => one.replace(/^\s*\* ?/, ''));
    return [{ file, line: at + 2, code: code.join('\n') }];
  });
}

/** The examples in the comments of all packages. */
export function tsdocExamples(root: string): TsdocExample[] {
  return globSync('packages/*/src/**/*.ts', { cwd: root })
    .toSorted()
    .flatMap((file) => tsdocExamplesOf(file, readFileSync(join(root, file), 'utf8')));
}

/** What examples take for given. */
const GIVEN = `import { createReadStream } from 'node:fs';
import * as securestore from 'securestore';
declare const { createStore, migrateStore, openStore, passphrase, keyFile, restoreStore, setRole, templateRules }: typeof securestore;
declare const store: securestore.SecureStore;
declare const text: string;
void [createReadStream, createStore, migrateStore, openStore, passphrase, keyFile, restoreStore, setRole, templateRules, store, text];
`;

const FIRST_LINE = GIVEN.split('\n').length + 1;

/** What the compiler says of examples, each as `file:line: message`. */
export async function mistakesIn(root: string, examples: readonly TsdocExample[]): Promise<string[]> {
  const parent = join(root, '.cache');
  await mkdir(parent, { recursive: true });
  const folder = await mkdtemp(join(parent, 'tsdoc-'));
  try {
    const names = examples.map((_, index) => `example-${index}.ts`);
    for (const [index, { code }] of examples.entries()) {
      const name = join(folder, `example-${index}.ts`);
      await writeFile(name, `${GIVEN}export async function example(): Promise<void> {\n${code}\n}\n`);
    }
    const compilerOptions = {
      noEmit: true,
      composite: false,
      incremental: false,
      declaration: false,
      declarationMap: false,
      emitDeclarationOnly: false,
      isolatedDeclarations: false,
      noUnusedLocals: false,
    };
    const config = { extends: '../../tsconfig.base.json', compilerOptions, files: names };
    await writeFile(join(folder, 'tsconfig.json'), JSON.stringify(config));
    const running = promisify(execFile)(join(root, 'node_modules/.bin/tsc'), ['--pretty', 'false', '-p', folder]);
    const { stdout } = await running.catch((error: { readonly stdout: string }) => error);
    return stdout.split('\n').flatMap((line) => {
      const [, index = '', at = '', message = ''] = /example-(\d+)\.ts\((\d+),\d+\): (.*)$/.exec(line) ?? [];
      const example = examples[Number(index)];
      if (index === '' || example === undefined) return line.includes('error') ? [line] : [];
      return [`${example.file}:${example.line + Number(at) - FIRST_LINE}: ${message}`];
    });
  } finally {
    await rm(folder, { recursive: true });
  }
}

/** The public members of a declaration whose comments have no `@example`. */
export function membersWithoutExample(file: string, text: string, name: string): string[] {
  const source = ts.createSourceFile(file, text, ts.ScriptTarget.Latest, true);
  const found: string[] = [];
  const look = (member: ts.Node): void => {
    const isPublic =
      (ts.isPropertySignature(member) ||
        ts.isMethodSignature(member) ||
        ts.isPropertyDeclaration(member) ||
        ts.isMethodDeclaration(member) ||
        ts.isGetAccessorDeclaration(member)) &&
      ts.isIdentifier(member.name);
    if (!isPublic) return;
    const comments = ts.getJSDocCommentsAndTags(member).map((one) => one.getText());
    if (!comments.some((one) => one.includes('@example'))) found.push(member.name.text);
  };
  for (const statement of source.statements) {
    if (ts.isClassDeclaration(statement) && statement.name?.text === name) statement.members.forEach(look);
    if (ts.isInterfaceDeclaration(statement) && statement.name.text === name) statement.members.forEach(look);
    if (ts.isTypeAliasDeclaration(statement) && statement.name.text === name) {
      const parts = ts.isIntersectionTypeNode(statement.type) ? statement.type.types : [statement.type];
      for (const part of parts) if (ts.isTypeLiteralNode(part)) part.members.forEach(look);
    }
  }
  return found;
}
