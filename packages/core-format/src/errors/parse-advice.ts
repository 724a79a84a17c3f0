import type { Advice, AdviceId, AdviceParameters } from './advice.ts';

const REQUIRED = 'required';
const OPTIONAL = 'optional';

type Presence<T> = { readonly [P in keyof T]-?: undefined extends T[P] ? typeof OPTIONAL : typeof REQUIRED };

const NONE = {};
const JOB = { job: REQUIRED } as const;
const KEY = { key: OPTIONAL } as const;
const SLOT = { slot: REQUIRED } as const;
const SOURCE = { source: OPTIONAL } as const;
const DESTINATION = { destination: OPTIONAL } as const;
const STORE_URL = { url: OPTIONAL } as const;
const PATH = { path: REQUIRED } as const;

const PARAMETERS: { readonly [I in AdviceId]: Presence<AdviceParameters[I]> } = {
  'create-store': NONE,
  'replace-store': NONE,
  'check-unlock-secret': NONE,
  'use-new-secret': NONE,
  'give-more-shares': NONE,
  'accept-rollback': NONE,
  'give-fingerprint': { fingerprint: OPTIONAL },
  'trust-first-use': NONE,
  'use-anchor': NONE,
  'reopen-store': NONE,
  'open-at': { url: REQUIRED },
  'reset-clock': NONE,
  'set-clock': NONE,
  'restore-store': DESTINATION,
  'choose-store-url': NONE,
  'check-store-url': STORE_URL,
  'check-writers': STORE_URL,
  'use-newer-release': { package: OPTIONAL },
  'try-again': NONE,
  'wait-for-job': JOB,
  'resume-job': JOB,
  'cancel-job': JOB,
  'forget-job': JOB,
  'collect-garbage': NONE,
  'verify-store': NONE,
  'start-job-again': JOB,
  'start-rotation': NONE,
  'repair-object': KEY,
  'restore-object': KEY,
  'overwrite-damaged': KEY,
  'store-again': KEY,
  'undelete-object': KEY,
  'list-versions': KEY,
  'restore-version': { key: OPTIONAL, version: REQUIRED },
  'choose-conflict-policy': NONE,
  'resume-restore': STORE_URL,
  'give-up-restore': NONE,
  'restore-partially': NONE,
  'list-snapshots': DESTINATION,
  'choose-snapshot': DESTINATION,
  'make-snapshot': DESTINATION,
  'verify-backup': DESTINATION,
  'remove-damaged-snapshots': DESTINATION,
  'set-retention': DESTINATION,
  'register-destination': DESTINATION,
  'unregister-destination': DESTINATION,
  'replace-destination': DESTINATION,
  'take-over-destination': DESTINATION,
  'list-destinations': NONE,
  'follow-destination': DESTINATION,
  'remove-schedule': NONE,
  'list-schedules': NONE,
  'read-again': KEY,
  'resume-migration': { source: OPTIONAL, target: OPTIONAL },
  'cancel-migration': SOURCE,
  'reopen-source': SOURCE,
  'migrate-reencrypted': NONE,
  'export-to-folder': NONE,
  'narrow-prefix': NONE,
  'rename-file': { to: OPTIONAL },
  'move-file-away': PATH,
  'quote-value': NONE,
  'restrict-file': PATH,
  'delete-anchor': PATH,
  'ask-owner': NONE,
  'serve-store': NONE,
  'request-approval': { action: REQUIRED, call: REQUIRED, key: OPTIONAL },
  'ask-for-permission': { action: REQUIRED, key: OPTIONAL },
  'list-actions': NONE,
  'serve-with-tls': NONE,
  'give-tls-ca': { setting: OPTIONAL },
  'give-credentials': NONE,
  'give-store-url': { form: REQUIRED },
  'check-backend-access': NONE,
  'install-package': { package: REQUIRED },
  'list-jobs': NONE,
  'list-slots': NONE,
  'list-members': NONE,
  'list-encryption-keys': NONE,
  'show-settings': NONE,
  'change-settings': NONE,
  'add-slot': NONE,
  'remove-slot': SLOT,
  'enable-audit-log': NONE,
  'export-audit-log': NONE,
  'undo-key-destruction': { target: REQUIRED },
};

/** Every id of an advice. */
export const ADVICE_IDS: readonly AdviceId[] = Object.keys(PARAMETERS) as AdviceId[];

/** No error has more. */
const MAX_ADVICE = 8;
/** In characters: a store URL may be longer than a key. */
const MAX_PARAMETER = 8192;

/** Advice about an object, with the key of the call that it is given for if it names none. */
export function adviceAbout(advice: readonly Advice[], key: string): readonly Advice[] {
  return advice.map((one) => ('key' in PARAMETERS[one.id] && !Object.hasOwn(one, 'key') ? { ...one, key } : one));
}

function readOne(value: unknown): Advice | undefined {
  if (typeof value !== 'object' || value === null) return undefined;
  const given = value as Readonly<Record<string, unknown>>;
  const { id } = given;
  if (typeof id !== 'string' || !Object.hasOwn(PARAMETERS, id)) return undefined;
  const read: Record<string, string> = { id };
  for (const [name, presence] of Object.entries(PARAMETERS[id as AdviceId])) {
    const text = given[name];
    if (typeof text === 'string' && text.length <= MAX_PARAMETER) read[name] = text;
    else if (text !== undefined || presence === REQUIRED) return undefined;
  }
  return read as unknown as Advice;
}

/** The advice in what another program has sent, without what this release does not know. */
export function parseAdvice(value: unknown): readonly Advice[] {
  if (!Array.isArray(value)) return [];
  return value
    .slice(0, MAX_ADVICE)
    .map(readOne)
    .filter((advice) => advice !== undefined);
}
