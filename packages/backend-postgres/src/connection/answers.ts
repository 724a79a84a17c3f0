import type { CustomTypesConfig } from 'pg';
import pg from 'pg';

const PREFIX = '\\x';

/** The bytes that the server wrote as hex, as it has since version 9. @throws Error for anything else */
export function parseBytea(text: string): Buffer {
  // Ends at the first character that is no digit: a regular expression takes several times as long as reading them.
  const bytes = Buffer.from(text.slice(PREFIX.length), 'hex');
  if (text.startsWith(PREFIX) && bytes.length * 2 === text.length - PREFIX.length) return bytes;
  throw new Error('the server answered with invalid bytes');
}

/**
 * How answers are read. The parser of `pg` for bytes also takes the form that servers had before version 9, and never ends on some of
 * what a broken network makes of it (postgres-bytea 1.0.0, a backslash alone); of hex it drops what is none, and what follows.
 */
export const ANSWERS: CustomTypesConfig = {
  getTypeParser: (...[oid, format]: Parameters<CustomTypesConfig['getTypeParser']>) =>
    oid === pg.types.builtins.BYTEA && format !== 'binary' ? parseBytea : pg.types.getTypeParser(oid, format),
};
