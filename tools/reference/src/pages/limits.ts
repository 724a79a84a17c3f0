import { MAX_PRINCIPAL_NAME_BYTES, POLICY_LIMITS } from '@securestore/acl';
import {
  DEFAULT_CHUNK_SIZE,
  MAX_CATEGORIES,
  MAX_CATEGORY_RULES,
  MAX_CHUNKS,
  MAX_HEAD_BYTES,
  MAX_KEY_BYTES,
  MAX_MEMBER_NAME_BYTES,
  MAX_MEMBERS,
  MAX_METADATA_BYTES,
  MAX_PASSPHRASE_SLOTS,
  MAX_POINT_LABEL_BYTES,
  MAX_SLOTS,
} from '@securestore/core-format';
import * as requests from '../../../../packages/acl/src/approval/approval-requests.ts';
import { MAX_TOKENS } from '../../../../packages/acl/src/document/document.ts';
import { MAX_LISTINGS } from '../../../../packages/acl/src/guard/listing-counter.ts';
import { MAX_CLOCK_DIFFERENCE } from '../../../../packages/backend-api/src/contract/local-clock.ts';
import { MAX_STORE_URL_LENGTH } from '../../../../packages/backend-api/src/contract/location.ts';
import { PAGE_ENTRIES } from '../../../../packages/backend-fs/src/fs-backend.ts';
import { MAX_STEPS } from '../../../../packages/backup/src/recovery/browse.ts';
import { DEFAULT_SNAPSHOTS, MAX_SNAPSHOTS } from '../../../../packages/backup/src/recovery/timeline.ts';
import { DEFAULT_PAGE, MAX_PAGE as MAX_POINTS_PAGE } from '../../../../packages/backup/src/recovery/types.ts';
import * as hooks from '../../../../packages/backup/src/schedule/run-hooks.ts';
import { MAX_SCHEDULES } from '../../../../packages/backup/src/schedule/schedule-list.ts';
import { MAX_JITTER } from '../../../../packages/backup/src/schedule/schedule.ts';
import { MAX_DESTINATIONS } from '../../../../packages/backup/src/trust/registry.ts';
import { MAX_VALUE_BYTES } from '../../../../packages/cli/src/commands/exec.ts';
import { MAX_JSON_BYTES } from '../../../../packages/cli/src/commands/get.ts';
import { MAX_TEXT_BYTES } from '../../../../packages/cli/src/object/edit-file.ts';
import { LONGEST_PASSPHRASE } from '../../../../packages/cli/src/secret/secret-bytes.ts';
import {
  MAX_CATEGORY_NAME_BYTES,
  MAX_PATTERN_BYTES,
} from '../../../../packages/core-format/src/record/category-map.ts';
import { MAX_SHARES } from '../../../../packages/crypto/src/unlock/share-set.ts';
import { MAX_SECRET_BYTES, MIN_KEY_FILE_BYTES } from '../../../../packages/crypto/src/unlock/unlock.ts';
import { MAX_FILE_BYTES } from '../../../../packages/migrate/src/folder/file-format.ts';
import { MAX_DEPTH } from '../../../../packages/migrate/src/folder/json-reader.ts';
import { DEFAULT_CONCURRENCY, MAX_CONCURRENCY } from '../../../../packages/objects/src/api/bulk.ts';
import { MAX_TIMEOUT } from '../../../../packages/objects/src/api/call-boundary.ts';
import { MAX_HISTORY, MAX_ROTATION_DAYS } from '../../../../packages/objects/src/api/create-settings.ts';
import { MAX_METADATA_DEPTH } from '../../../../packages/objects/src/api/metadata.ts';
import * as destroying from '../../../../packages/objects/src/maintenance/keys/destroy-keys.ts';
import { MAX_BYTES as MAX_CONFIG_BYTES } from '../../../../packages/securestore/src/options/config.ts';
import { MAX_TOKEN } from '../../../../packages/server/src/caller/credentials.ts';
import * as consoleSessions from '../../../../packages/server/src/console/console-sessions.ts';
import { MAX_UNDER_WAY } from '../../../../packages/server/src/exchange/own-work.ts';
import { GUESTS_PER_ADDRESS, GUESTS_AT_ONCE } from '../../../../packages/server/src/limits/admission.ts';
import { MAX_ENTRIES, MAX_PAGE } from '../../../../packages/server/src/routes/listing.ts';
import * as work from '../../../../packages/server/src/work/work.ts';
import { bytes, number, time } from '../text/amounts.ts';
import { page, section, table } from '../text/markdown.ts';

/** A limit: what it is of, how much, and what else there is to say of it. */
type Limit = readonly [what: string, limit: string, note?: string];

const limits = (rows: readonly Limit[]): string =>
  table(
    ['Limit of', 'At most', 'Notes'],
    rows.map(([what, limit, note = '']) => [what, limit, note]),
  );

/** The page about limits. */
export function limitsPage(): string {
  return page(
    'Limits',
    'Every limit of a store, its backups, the command line and a server, for people who plan how to use them.',
    [
      'A larger value is refused with [`TOO_LARGE`](../errors.md#too_large), [`INVALID_KEY`](../errors.md#invalid_key) or [`INVALID_ARGUMENT`](../errors.md#invalid_argument), and nothing is changed. The limits of the stored bytes are in [the format](../format.md#13-limits).',
      section(
        2,
        'Objects',
        limits([
          ['Key of an object', bytes(MAX_KEY_BYTES), 'in UTF-8'],
          ['Metadata of an object', bytes(MAX_METADATA_BYTES), `as JSON, ${number(MAX_METADATA_DEPTH)} levels deep`],
          [
            'Data of an object',
            bytes(MAX_CHUNKS * DEFAULT_CHUNK_SIZE),
            `or what the backend holds; stored in chunks of ${bytes(DEFAULT_CHUNK_SIZE)}`,
          ],
          ['Objects', 'no limit'],
          [
            'Versions of an object',
            number(MAX_HISTORY),
            'most that the setting `history` can keep, in versions and in days',
          ],
          [
            '`concurrency` of `storeMany` and `retrieveMany`',
            number(MAX_CONCURRENCY),
            `default ${number(DEFAULT_CONCURRENCY)}`,
          ],
          [
            'Page of a listing at the backend',
            `${number(PAGE_ENTRIES)} keys`,
            '`list` and the iterators join pages without a limit',
          ],
          ['`timeout` of a call', `${number(MAX_TIMEOUT)} ms`, 'and more than 0'],
          [
            'Difference between the clocks of this machine and the backend',
            time(MAX_CLOCK_DIFFERENCE),
            'beyond it writes are refused',
          ],
          ['Store URL', `${number(MAX_STORE_URL_LENGTH)} characters`],
        ]),
      ),
      section(
        2,
        'Unlock secrets and encryption keys',
        limits([
          ['Slots', number(MAX_SLOTS), `with the rest of the manifest ${bytes(MAX_HEAD_BYTES)}`],
          ['Slots with a passphrase', number(MAX_PASSPHRASE_SLOTS)],
          ['Shares of a set', number(MAX_SHARES)],
          ['Passphrase or other unlock secret', bytes(MAX_SECRET_BYTES)],
          ['Key file', bytes(MAX_SECRET_BYTES), `and at least ${bytes(MIN_KEY_FILE_BYTES)}`],
          ['Passphrase that the command line reads', bytes(LONGEST_PASSPHRASE)],
          [
            'Waiting period before encryption keys are destroyed',
            time(destroying.MAX_WAITING_PERIOD),
            `default ${time(destroying.DEFAULT_WAITING_PERIOD)}`,
          ],
          ['Age of encryption keys before a rotation', `${number(MAX_ROTATION_DAYS)} days`, '0, the default, is never'],
        ]),
      ),
      section(
        2,
        'Categories and members',
        limits([
          ['Categories', number(MAX_CATEGORIES), `names of ${bytes(MAX_CATEGORY_NAME_BYTES)}`],
          ['Rules for categories', number(MAX_CATEGORY_RULES), `patterns of ${bytes(MAX_PATTERN_BYTES)}`],
          ['Members', number(MAX_MEMBERS), `names of ${bytes(MAX_MEMBER_NAME_BYTES)}`],
        ]),
      ),
      section(
        2,
        'Access control',
        limits([
          ['Roles', number(POLICY_LIMITS.roles), `with ${number(POLICY_LIMITS.rules)} rules each`],
          ['Actions, patterns or categories of a rule', number(POLICY_LIMITS.parts)],
          [
            'Principals',
            number(POLICY_LIMITS.principals),
            `with ${number(POLICY_LIMITS.grants)} grants each; names of ${bytes(MAX_PRINCIPAL_NAME_BYTES)}`,
          ],
          ['API tokens', number(MAX_TOKENS)],
          ['Rules about approvals', number(POLICY_LIMITS.approvals)],
          [
            'Requests for approval',
            number(requests.MAX_REQUESTS),
            `of one principal ${number(requests.MAX_REQUESTS_EACH)}; reasons of ${number(requests.MAX_REASON)} characters`,
          ],
          [
            'Time that a request waits for a decision',
            time(requests.MAX_WAIT),
            `at least ${time(requests.MIN_WAIT)}; default ${time(requests.WAITS_FOR)}`,
          ],
          ['Time that an approval is valid', time(requests.MAX_WAIT), `default ${time(requests.VALID_FOR)}`],
          ['Listings of one principal at once', number(MAX_LISTINGS), 'in one process'],
        ]),
      ),
      section(
        2,
        'Backups',
        limits([
          ['Destinations of a store', number(MAX_DESTINATIONS)],
          ['Schedules of a store', number(MAX_SCHEDULES)],
          ['Label of a snapshot', bytes(MAX_POINT_LABEL_BYTES)],
          ['Jitter of a schedule', time(MAX_JITTER)],
          ['Time of a hook around a run', time(hooks.MAX_TIMEOUT), `default ${time(hooks.DEFAULT_TIMEOUT)}`],
          [
            'Page of `store.recoveryPoints`',
            `${number(MAX_POINTS_PAGE)} entries`,
            `default ${number(DEFAULT_PAGE)}; a page reads at most ${number(MAX_STEPS)} keys`,
          ],
          ['Snapshots of a timeline', number(MAX_SNAPSHOTS), `default ${number(DEFAULT_SNAPSHOTS)}`],
        ]),
      ),
      section(
        2,
        'Command line and files',
        limits([
          ['`.env` or JSON file of `import` and `export`', bytes(MAX_FILE_BYTES)],
          ['Depth of a JSON file of `import`', `${number(MAX_DEPTH)} levels`],
          ['Text of `edit`', bytes(MAX_TEXT_BYTES)],
          ['Data of `get --json` without a file', bytes(MAX_JSON_BYTES)],
          ['Value of a variable of `exec`', bytes(MAX_VALUE_BYTES)],
          ['Configuration file', bytes(MAX_CONFIG_BYTES)],
        ]),
      ),
      section(
        2,
        'Server',
        'The [limits that a server can change](configuration.md#limits-of-a-server) have their own table. These are fixed:',
        limits([
          ['Page of `GET /v1/keys`', `${number(MAX_PAGE)} keys`],
          ['Page of `GET /v1/entries`', `${number(MAX_ENTRIES)} entries`],
          ['Token in a request', `${number(MAX_TOKEN)} characters`],
          [
            'Running jobs of one caller at one server',
            number(MAX_UNDER_WAY),
            'for verifications; a further one is `THROTTLED`',
          ],
          [
            'Results of jobs of one caller',
            number(work.MAX_EACH),
            `${bytes(work.MAX_BYTES_EACH)}; kept for ${time(work.KEPT_FOR)}`,
          ],
          ['Results of jobs of all callers', number(work.MAX_RECORDS), bytes(work.MAX_BYTES)],
          [
            'Sessions of the console',
            number(consoleSessions.MAX_SESSIONS),
            `of one principal ${number(consoleSessions.MAX_EACH)}; the oldest ends`,
          ],
          [
            'Attempts to sign in to the console from one address',
            `${number(GUESTS_PER_ADDRESS)} a second`,
            `at once ${number(GUESTS_AT_ONCE)}`,
          ],
        ]),
      ),
    ],
  );
}
