import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { SessionCall } from '@securestore/acl';
import type { ErrorCode } from '@securestore/core-format';
import { ERROR_CODES } from '@securestore/core-format';
import ts from 'typescript';

/** Where the methods of a call are declared: by what is before the dot of its name, or by the name. */
const DECLARED: Readonly<Record<string, readonly [file: string, declaration: string]>> = {
  SecureStorage: ['packages/objects/src/api/secure-storage.ts', 'SecureStorage'],
  StoreMembers: ['packages/objects/src/store/store-members.ts', 'StoreMembers'],
  Health: ['packages/health/src/health.ts', 'Health'],
  backups: ['packages/backup/src/api/backups.ts', 'Backups'],
  schedules: ['packages/backup/src/api/schedules.ts', 'Schedules'],
  recoveryPoints: ['packages/backup/src/recovery/recovery-points.ts', 'RecoveryPoints'],
  slots: ['packages/objects/src/store/administration-types.ts', 'SlotAdministration'],
  encryptionKeys: ['packages/objects/src/store/administration-types.ts', 'EncryptionKeyAdministration'],
  jobs: ['packages/objects/src/store/administration-types.ts', 'JobAdministration'],
  settings: ['packages/objects/src/api/settings-types.ts', 'SettingsAdministration'],
  members: ['packages/objects/src/maintenance/keys/members.ts', 'MemberAdministration'],
  access: ['packages/acl/src/document/access-administration.ts', 'AccessAdministration'],
  approvals: ['packages/acl/src/guard/session-approvals-types.ts', 'SessionApprovals'],
  audit: ['packages/audit/src/trail/trail.ts', 'AuditTrail'],
};

/** Calls whose declaration is not that of the first part of their name. */
const ELSEWHERE: Readonly<Record<string, readonly [owner: string, method: string]>> = {
  backup: ['backups', 'backup'],
  restore: ['backups', 'restore'],
  health: ['Health', 'check'],
  scrub: ['Health', 'scrub'],
  rotateEncryptionKey: ['StoreMembers', 'rotateEncryptionKey'],
  checkpoint: ['StoreMembers', 'checkpoint'],
  gc: ['StoreMembers', 'gc'],
  verify: ['StoreMembers', 'verify'],
};

type Members = ReadonlyMap<string, ts.Node>;

const known = new Map<string, Members>();

/** The methods of a declaration by their names. @throws if it is not there */
function membersIn(root: string, owner: string): Members {
  const found = known.get(owner);
  if (found !== undefined) return found;
  const [file, name] = DECLARED[owner] ?? ['', owner];
  const source = ts.createSourceFile(file, readFileSync(join(root, file), 'utf8'), ts.ScriptTarget.Latest, true);
  const declaration = source.statements.find(
    (one): one is ts.InterfaceDeclaration | ts.ClassDeclaration =>
      (ts.isInterfaceDeclaration(one) || ts.isClassDeclaration(one)) && one.name?.text === name,
  );
  if (declaration === undefined) throw new Error(`${file} has no declaration ${name}`);
  const members = new Map(
    [...declaration.members].flatMap((member) =>
      member.name === undefined ? [] : [[member.name.getText(), member] as const],
    ),
  );
  known.set(owner, members);
  return members;
}

/** What a comment says of errors: its `@throws`, and what it says of a job that rejects. */
function textOnErrors(member: ts.Node): string {
  const comments = ts.getJSDocCommentsAndTags(member).filter((one) => ts.isJSDoc(one));
  return comments
    .flatMap((comment) => {
      const said = ts.getTextOfJSDocComment(comment.comment) ?? '';
      const rejects = said.split(/(?<=\.)\s/).filter((one) => /\brejects?\b/.test(one));
      const thrown = (comment.tags ?? [])
        .filter(({ tagName }) => tagName.text === 'throws')
        .map((tag) => tag.getText());
      return [...rejects, ...thrown];
    })
    .join('\n');
}

/** The error codes that the comment of a method names, and those of the methods that it refers to. */
function codesOf(root: string, owner: string, method: string): ErrorCode[] {
  const member = membersIn(root, owner).get(method);
  if (member === undefined) throw new Error(`${owner} has no ${method}`);
  const text = textOnErrors(member);
  const own = ERROR_CODES.filter((code) => text.includes(`\`${code}\``));
  const referred = [...text.matchAll(/\{@link (?:(\w+)\.)?(\w+)\}/g)].flatMap(([, declaration, other = '']) => {
    const [to = owner] = Object.entries(DECLARED).find(([, [, name]]) => name === declaration) ?? [];
    return membersIn(root, to).has(other) && other !== method ? codesOf(root, to, other) : [];
  });
  return ERROR_CODES.filter((code) => own.includes(code) || referred.includes(code));
}

/** The error codes that the comment of a call names, besides those that every call can have. */
export function errorsOf(root: string, call: SessionCall): ErrorCode[] {
  const [first = '', second] = call.split('.');
  const [owner, method] = ELSEWHERE[call] ?? (second === undefined ? ['SecureStorage', first] : [first, second]);
  return codesOf(root, owner, method);
}
