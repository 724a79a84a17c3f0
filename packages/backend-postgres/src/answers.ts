import type { CustomTypesConfig } from 'pg';
import pg from 'pg';

const HEX = /^\\x(?:[0-9a-f]{2})*$/;

/** The bytes that the server wrote as hex, as it has since version 9. @throws Error for anything else */
export function parseBytea(text: string): Buffer {
  if (HEX.test(text)) return Buffer.from(text.slice(2), 'hex');
  throw new Error('the server answered with what is no bytes');
}

/**
 * How answers are read. The parser of `pg` for bytes also takes the form that servers had before version 9, and never ends on some of
 * what a broken network makes of it (postgres-bytea 1.0.0, a backslash alone); of hex it drops what is none, and what follows.
 */
export const ANSWERS: CustomTypesConfig = {
  getTypeParser: (...[oid, format]: Parameters<CustomTypesConfig['getTypeParser']>) =>
    oid === pg.types.builtins.BYTEA && format !== 'binary' ? parseBytea : pg.types.getTypeParser(oid, format),
};
