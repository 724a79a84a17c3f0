/** A variable of the environment, and what it means. */
export type Variable = readonly [name: string, meaning: string];

/** What a program of `--before` or `--after` gets. A test compares the names with the sources. */
export const RUN_VARIABLES: readonly Variable[] = [
  ['SECURESTORE_RUN_PHASE', '`before` or `after` the run'],
  ['SECURESTORE_RUN_SCHEDULE', 'the name of the schedule'],
  ['SECURESTORE_RUN_TASK', '`backup`, `verify`, `drill` or `retention`'],
  ['SECURESTORE_RUN_DESTINATION', 'the store URL of the destination'],
  ['SECURESTORE_RUN_OCCURRENCE', 'the time for which the run was due, in ISO 8601'],
  ['SECURESTORE_RUN_ATTEMPT', 'the number of the attempt, from 1'],
  ['SECURESTORE_RUN_END', 'after the run: `success`, `failure`, `released` or `lost`'],
  ['SECURESTORE_RUN_ERROR', 'after a failed run: its error code'],
  ['SECURESTORE_RUN_DURATION_MS', 'after the run: its duration, in milliseconds'],
];

/** What a program of `--exec` gets for an alert. */
export const ALERT_VARIABLES: readonly Variable[] = [
  ['SECURESTORE_ALERT_ID', 'the ID of the condition, the same at its beginning and its end'],
  ['SECURESTORE_ALERT_EVENT', '`begin` or `end`'],
  ['SECURESTORE_ALERT_SEVERITY', '`warning` or `critical`'],
  ['SECURESTORE_ALERT_MESSAGE', 'what is wrong'],
  ['SECURESTORE_ALERT_ADVICE', 'what an operator can do'],
  ['SECURESTORE_ALERT_SINCE', 'the time when the condition was first seen, in ISO 8601'],
  ['SECURESTORE_ALERT_LAST_GOOD', 'the time of the last good recovery point, in ISO 8601, if there is one'],
  ['SECURESTORE_ALERT_LAG_MS', 'the lag of a continuous backup, in milliseconds, if there is one'],
];

/** What the backends themselves read. Clients of providers read further variables of their own. */
export const BACKEND_VARIABLES: readonly Variable[] = [
  ['AZURE_STORAGE_CONNECTION_STRING', '`azblob:` — the connection string'],
  ['AZURE_STORAGE_ACCOUNT', '`azblob:` — the account, if the store URL names none'],
  ['AZURE_STORAGE_KEY', '`azblob:` — the key of the account'],
  ['AZURE_STORAGE_SAS_TOKEN', '`azblob:` — a SAS token'],
  ['PGPASSWORD', '`postgres:` — the password'],
];

/** What only the tests and tools of this repository read. */
export const TEST_VARIABLES: readonly Variable[] = [
  ['SECURESTORE_TEST_SIZE', 'how much the tests do: `short` (default), `full` or `torture`'],
  ['SECURESTORE_SEED', 'the seed of a simulation or a property to repeat'],
  ['SECURESTORE_SEARCH_BUGS', '`1` searches for planted bugs in simulations, and records the seeds that show them'],
  ['SECURESTORE_TESTKIT_SEED', 'the seed of random operations of the testkit; default a new one'],
  ['SECURESTORE_TESTKIT_OPERATIONS', 'a file with the operations that the testkit repeats'],
  ['SECURESTORE_SERVICES', '`install` installs the servers that tests need'],
  ['SECURESTORE_TEST_S3_URL', 'an S3 server for the tests'],
  ['SECURESTORE_TEST_CEPH_URL', 'a Ceph server for the tests'],
  ['SECURESTORE_TEST_GCS_URL', 'a Google Cloud Storage server for the tests'],
  ['SECURESTORE_TEST_AZURE_URL', 'an Azure Blob Storage server for the tests'],
  ['SECURESTORE_TEST_POSTGRES_URL', 'a PostgreSQL server for the tests'],
  ['SECURESTORE_TEST_MONGODB_URL', 'a MongoDB server for the tests'],
  ['SECURESTORE_TEST_REDIS_URL', 'a Redis server for the tests'],
  ['SECURESTORE_TEST_REGISTRY_URL', 'a registry of packages for the tests'],
  ['SECURESTORE_TEST_CHROMIUM', 'the browser for the tests of the console'],
  ['SECURESTORE_TEST_DISK', 'set by the tests: the folder for temporary files on the disk'],
  ['SECURESTORE_TEST_MEMORY', 'set by the tests: the folder for temporary files in memory, if there is room'],
  ['SECURESTORE_TEST_CLOCK_FILE', 'set by the tests: the file with the clock of a MongoDB server'],
  ['SECURESTORE_BUNDLED', 'set by the tests: the packages are built already'],
];
