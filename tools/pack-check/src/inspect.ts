import { readFile } from 'node:fs/promises';
import { checkPackage, createPackageFromTarballData } from '@arethetypeswrong/core';
import type { Package, Problem } from '@arethetypeswrong/core';
import { publint } from 'publint';
import { formatMessage } from 'publint/utils';
import type { Tarball } from './pack.ts';

/** The ways of resolving a module that packages of ES modules alone don't serve. */
const UNSERVED: ReadonlySet<string> = new Set(['node10', 'node16-cjs']);

/** What npm doesn't add to a tarball by itself unless it lies beside the package.json. */
const DOCUMENTS: readonly string[] = ['README.md', 'LICENSE'];

/** Syntax that a Node which is too old can't parse, and so can't say that it is. */
const NEW_SYNTAX = /^\s*(?:for \()?(?:await )?using [\w$]+ (?:=|of)/m;

/**
 * What is missing in a tarball, what its modules must not hold, and what publint (strict) and attw (ES modules alone) have
 * against it, one line each; empty if nothing.
 */
export async function inspectTarball({ name, file }: Tarball): Promise<string[]> {
  const bytes = new Uint8Array(await readFile(file));
  const contents = createPackageFromTarballData(bytes);
  const findings = [
    ...missingDocuments(contents),
    ...newSyntax(contents),
    ...(await publintFindings(bytes)),
    ...(await attwFindings(contents)),
  ];
  return findings.map((line) => `${name}: ${line}`);
}

async function publintFindings(bytes: Uint8Array<ArrayBuffer>): Promise<string[]> {
  const { messages, pkg } = await publint({ pack: { tarball: bytes.buffer }, strict: true });
  return messages.map((message) => `publint: ${formatMessage(message, pkg, { color: false }) ?? message.code}`);
}

function missingDocuments(contents: Package): string[] {
  const missing = DOCUMENTS.filter((file) => !contents.fileExists(`/node_modules/${contents.packageName}/${file}`));
  return missing.map((file) => `there is no ${file}`);
}

function newSyntax(contents: Package): string[] {
  const modules = contents.listFiles().filter((file) => /\.[cm]?js$/.test(file));
  const found = modules.filter((file) => NEW_SYNTAX.test(contents.readFile(file)));
  return found.map((file) => `${file.split('/dist/').at(-1)} holds "using": the bundler has to write it out`);
}

async function attwFindings(contents: Package): Promise<string[]> {
  const result = await checkPackage(contents);
  if (result.types === false) return ['attw: the package has no types'];
  return result.problems.filter(isServed).map((problem) => `attw: ${JSON.stringify(problem)}`);
}

function isServed(problem: Problem): boolean {
  return !('resolutionKind' in problem && UNSERVED.has(problem.resolutionKind));
}
