import { similarTo } from '@securestore/backend-api';
import type { Cli } from '../terminal/cli-context.ts';
import type { OwnHint } from '../errors/hints.ts';
import { ENVIRONMENT } from '../options/environment-help.ts';

const STORE_VARIABLE = 'SECURESTORE_URL';

const KNOWN: ReadonlySet<string> = new Set(ENVIRONMENT.map(({ name }) => name));

/** Other names that a person may expect for the variable of the store. */
const OTHER_NAME = /^SECURESTORE_(?:STORE(?:_URL)?|STORAGE|VAULT|LOCATION|PATH|DB|DATABASE)$/;

/** Hints about variables that were most likely set for the store, and have another name. Their values are not repeated. */
export function mistakenVariables(env: Cli['env']): OwnHint[] {
  const others = Object.keys(env).filter((name) => name.startsWith('SECURESTORE_') && !KNOWN.has(name));
  const found = others.find((name) => OTHER_NAME.test(name) || similarTo(name, [STORE_VARIABLE]) !== undefined);
  return found === undefined ? [] : [{ text: `$${found} means nothing; the store is named by $${STORE_VARIABLE}` }];
}
