import { readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import ts from 'typescript';

/** A name that users of a package write: of an exported declaration, or of a member of one. */
export interface PublicName {
  /** Such as `backup:RestoreReport.findings`. */
  readonly at: string;
  readonly name: string;
}

type Parse = (file: string) => ts.SourceFile;

/** Parses each file once, however many names come from it. */
function parsed(read: (path: string) => string): Parse {
  const known = new Map<string, ts.SourceFile>();
  return (file) => {
    const source = known.get(file) ?? ts.createSourceFile(file, read(file), ts.ScriptTarget.Latest, true);
    known.set(file, source);
    return source;
  };
}

/** The declarations of a file by their names; what it takes from another file is followed there. */
function declarationsIn(source: ts.SourceFile): ReadonlyMap<string, readonly ts.Node[]> {
  const found = new Map<string, ts.Node[]>();
  const add = (name: string, node: ts.Node): void => void found.set(name, [...(found.get(name) ?? []), node]);
  for (const statement of source.statements) {
    if (ts.isVariableStatement(statement)) {
      for (const one of statement.declarationList.declarations) add(one.name.getText(), one);
    } else if (
      (ts.isInterfaceDeclaration(statement) ||
        ts.isTypeAliasDeclaration(statement) ||
        ts.isClassDeclaration(statement) ||
        ts.isFunctionDeclaration(statement)) &&
      statement.name !== undefined
    ) {
      add(statement.name.text, statement);
    }
  }
  return found;
}

type Export = readonly [name: string, original: string, file: string];

/** What a file exports, and from which file of the same package. */
function exportsOf(file: string, parse: Parse): Export[] {
  return parse(file).statements.flatMap((statement): Export[] => {
    if (!ts.isExportDeclaration(statement)) {
      const isExported =
        ts.canHaveModifiers(statement) &&
        ts.getModifiers(statement)?.some(({ kind }) => kind === ts.SyntaxKind.ExportKeyword) === true;
      if (!isExported) return [];
      if (ts.isVariableStatement(statement)) {
        return statement.declarationList.declarations.map(({ name }) => [name.getText(), name.getText(), file]);
      }
      const name = 'name' in statement && statement.name !== undefined ? (statement.name as ts.Node).getText() : '';
      return name === '' ? [] : [[name, name, file]];
    }
    const from = statement.moduleSpecifier;
    // What comes from another package is a name of that one.
    if (from !== undefined && !(ts.isStringLiteral(from) && from.text.startsWith('.'))) return [];
    const target = from === undefined ? file : join(dirname(file), from.text);
    const { exportClause } = statement;
    const known = target === file ? [] : exportsOf(target, parse);
    if (exportClause === undefined) return known;
    if (!ts.isNamedExports(exportClause)) return [];
    return exportClause.elements.map(({ name, propertyName }): Export => {
      const wanted = (propertyName ?? name).text;
      const [, original = wanted, where = target] = known.find(([other]) => other === wanted) ?? [];
      return [name.text, original, where];
    });
  });
}

const isHidden = (node: ts.Node): boolean =>
  ts.canHaveModifiers(node) &&
  ts.getModifiers(node)?.some(({ kind }) => kind === ts.SyntaxKind.PrivateKeyword) === true;

/** The names of members below a declaration, at any depth of its type, but for what functions do inside. */
function membersOf(declaration: ts.Node): string[] {
  const names: string[] = [];
  const walk = (node: ts.Node): void => {
    if (ts.isBlock(node)) return;
    const isMember =
      ts.isPropertySignature(node) ||
      ts.isMethodSignature(node) ||
      ts.isPropertyDeclaration(node) ||
      ts.isMethodDeclaration(node) ||
      ts.isGetAccessorDeclaration(node);
    if (isMember) {
      if (ts.isPrivateIdentifier(node.name) || isHidden(node)) return;
      if (ts.isIdentifier(node.name) || ts.isStringLiteral(node.name)) names.push(node.name.text);
    }
    // What a value is computed from is no type.
    if (ts.isPropertyDeclaration(node)) {
      if (node.type !== undefined) walk(node.type);
    } else ts.forEachChild(node, walk);
  };
  ts.forEachChild(declaration, walk);
  return names;
}

/**
 * The public names of a package, by the exports of its `src/index.ts`.
 *
 * @param read gives the text of a file; by default from the disk
 */
export function publicNames(
  root: string,
  folder: string,
  read: (path: string) => string = (path) => readFileSync(path, 'utf8'),
): PublicName[] {
  const label = relative('packages', folder);
  const parse = parsed(read);
  return exportsOf(join(root, folder, 'src/index.ts'), parse).flatMap(([name, original, file]) => {
    const declared = declarationsIn(parse(file)).get(original) ?? [];
    const members = new Set(declared.flatMap((one) => membersOf(one)));
    return [
      { at: `${label}:${name}`, name },
      ...[...members].map((member) => ({ at: `${label}:${name}.${member}`, name: member })),
    ];
  });
}
