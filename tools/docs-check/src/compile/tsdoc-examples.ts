import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import ts from 'typescript';
import { errorsIn } from './compile.ts';

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
  const sources = examples.map(({ code }) => `${GIVEN}export async function example(): Promise<void> {\n${code}\n}\n`);
  return (await errorsIn(root, sources)).map(({ index, line, message }) => {
    const example = index === undefined ? undefined : examples[index];
    return example === undefined ? message : `${example.file}:${example.line + line - FIRST_LINE}: ${message}`;
  });
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
