/** The names under which times travel in what is told of the administration of a store. Numbers under them stay numbers. */
export const ADMINISTRATION_TIMES: ReadonlySet<string> = new Set([
  'added',
  'checkedSince',
  'created',
  'destroyAt',
  'ended',
  'from',
  'made',
  'modified',
  'next',
  'now',
  'overdueSince',
  'recoverableTo',
  'since',
  'started',
  'time',
  'to',
]);
