import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import ts from 'typescript';

/** A member of an interface, with what its comment says. */
export interface Member {
  readonly name: string;
  /** Such as `number`, without `undefined`. */
  readonly type: string;
  readonly optional: boolean;
  /** The first paragraph of the comment, without its sentence about the default. */
  readonly text: string;
  /** What the comment says after "Default"; absent if it says nothing of the kind. */
  readonly fallback?: string;
}

const DEFAULT = /\s*\bDefault ((?:[^.]|\.(?=\S))+)\./;

/** The first paragraph of a comment, without marks of TSDoc. */
function textOf(node: ts.Node): string {
  const [comment] = ts.getJSDocCommentsAndTags(node).filter((one) => ts.isJSDoc(one));
  const found = comment === undefined ? '' : (ts.getTextOfJSDocComment(comment.comment) ?? '');
  const [paragraph = ''] = found.split(/\n\s*\n/);
  return paragraph
    .replaceAll(/\{@link (?:\w+\.)?(\w+)\}/g, '`$1`')
    .replaceAll(/\s+/g, ' ')
    .trim();
}

/** The declarations of an interface of a source file, in their order. @throws if there is no such interface */
function declarationsOf(root: string, file: string, name: string): readonly ts.TypeElement[] {
  const source = ts.createSourceFile(file, readFileSync(join(root, file), 'utf8'), ts.ScriptTarget.Latest, true);
  const found = source.statements.find(
    (one): one is ts.InterfaceDeclaration => ts.isInterfaceDeclaration(one) && one.name.text === name,
  );
  if (found === undefined) throw new Error(`${file} has no interface ${name}`);
  return found.members;
}

/** The members of an interface of a source file, in their order. @throws if there is no such interface */
export function membersOf(root: string, file: string, name: string): Member[] {
  return declarationsOf(root, file, name)
    .filter(ts.isPropertySignature)
    .map((member) => {
      const text = textOf(member);
      const [, fallback] = DEFAULT.exec(text) ?? [];
      return {
        name: member.name.getText(),
        type: (member.type?.getText() ?? '').replaceAll(/\s*\|\s*undefined\b/g, '').replaceAll(/\s+/g, ' '),
        optional: member.questionToken !== undefined,
        text: text.replace(DEFAULT, '').trim(),
        ...(fallback !== undefined && { fallback }),
      };
    });
}

/** The text of the tag `@returns` of a declaration, or nothing. */
function returnsOf(node: ts.Node): string {
  const [tag] = ts.getAllJSDocTags(node, ts.isJSDocReturnTag);
  return (ts.getTextOfJSDocComment(tag?.comment) ?? '').replaceAll(/\s+/g, ' ').trim();
}

/** A method of an interface, with what its comment says. */
export interface Call {
  /** With the names of its parameters, such as `retrieve(key, options?)`. */
  readonly signature: string;
  /** The first paragraph of the comment. */
  readonly text: string;
  /** What it returns, if the comment says so. */
  readonly returns: string;
}

/** The methods of an interface of a source file, in their order. @throws if there is no such interface */
export function callsOf(root: string, file: string, name: string): Call[] {
  return declarationsOf(root, file, name)
    .filter(ts.isMethodSignature)
    .map((method) => {
      const parameters = method.parameters.map(
        (one) => `${one.name.getText()}${one.questionToken === undefined ? '' : '?'}`,
      );
      return {
        signature: `${method.name.getText()}(${parameters.join(', ')})`,
        text: textOf(method),
        returns: returnsOf(method),
      };
    });
}
