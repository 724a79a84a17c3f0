/** The package of each scheme that the project serves itself; they are published together under one scope. */
export const OFFICIAL_BACKENDS: ReadonlyMap<string, string> = new Map([
  ['memory', '@securestore/backend-memory'],
  ['file', '@securestore/backend-fs'],
  ['sqlite', '@securestore/backend-sqlite'],
  ['postgres', '@securestore/backend-postgres'],
  ['postgresql', '@securestore/backend-postgres'],
  ['s3', '@securestore/backend-s3'],
  ['gs', '@securestore/backend-gcs'],
  ['azblob', '@securestore/backend-azure'],
  ['mongodb', '@securestore/backend-mongodb'],
  ['mongodb+srv', '@securestore/backend-mongodb'],
  ['redis', '@securestore/backend-redis'],
  ['rediss', '@securestore/backend-redis'],
]);
