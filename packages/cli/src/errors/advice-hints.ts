import type { Advice, AdviceId } from '@securestore/core-format';
import { shellPath } from '@securestore/core-format';
import { CALLS_THAT_ASK, shellWords } from '@securestore/protocol';
import { Commands, type Hint, type HintContext, type OwnHint, same } from './hints.ts';

/** No error is followed by more. */
const MOST = 3;

/**
 * Whether a location in its right form, or several, is made of the one that was given, and no example: it is the same in each scheme, or has only
 * another scheme, of which the rest may hold credentials and is not repeated.
 */
function isMeant(form: string): boolean {
  const [first = '', ...others] = form.split(' or ').map((one) => one.replace(/^\w+:/, ''));
  return first === '…' || (others.length > 0 && others.every((rest) => rest === first));
}

/** Words an advice in the terms of the command line. */
type Renderer<I extends AdviceId> = (advice: Extract<Advice, { readonly id: I }>, commands: Commands) => Hint;

function withOption(text: string, option: string, commands: Commands): Hint {
  const command = commands.again(option);
  return command === undefined ? { text: `${text}, add ${option} to the same command` } : { text, command };
}

/** Commands that make something at a store URL; others expect it to be there. */
const MAKES: ReadonlySet<string> = new Set(['init', 'backup', 'destination add', 'migrate', 'restore', 'schedule add']);

const RENDERERS: { readonly [I in AdviceId]: Renderer<I> } = {
  'create-store': (_, commands) => ({
    text: 'to create a store',
    command: commands.elsewhere(['init', commands.store ?? 'URL']),
  }),
  'replace-store': (_, commands) => withOption('to create another store in its place', '--accept-rollback', commands),
  'check-unlock-secret': () => ({ text: 'check that the secret belongs to this store' }),
  'use-new-secret': () => ({ text: 'if a rotation to a new unlock secret was interrupted, give the new one' }),
  'give-more-shares': () => ({ text: 'give --share-file FILE once for each share' }),
  'accept-rollback': (_, commands) => withOption('if you restored it yourself', '--accept-rollback', commands),
  'give-fingerprint': ({ fingerprint }, commands) =>
    fingerprint === undefined
      ? {
          text: 'if the person who invited you gives the same fingerprint, add --fingerprint FINGERPRINT or --invitation-file FILE',
        }
      : withOption('if the owner says that the store is here now', `--fingerprint=${fingerprint}`, commands),
  'trust-first-use': (_, commands) => withOption('to trust this store, once', '--trust-first-use', commands),
  'use-anchor': () => ({ text: 'leave out --no-anchor' }),
  'reopen-store': (_, commands) => same('try again', commands.again()),
  'open-at': ({ url }, commands) => ({
    text: 'to use it there',
    command: commands.againAt(url) ?? commands.elsewhere(['ls'], { store: url }),
  }),
  'reset-clock': (_, commands) => ({
    text: 'if the clock of this machine is right',
    command: commands.on(['clock', 'reset']),
  }),
  'set-clock': () => ({ text: 'set the clock of this machine, or that of the backend' }),
  'restore-store': ({ destination = 'BACKUP' }, commands) => ({
    text: 'to restore the store from a backup, to a URL with nothing there',
    command: commands.elsewhere(['restore', destination], { to: 'URL' }),
  }),
  'choose-store-url': (_, { verb }) => ({
    text:
      verb === undefined || MAKES.has(verb)
        ? 'choose another store URL, with nothing there'
        : 'check the store URL; a new store needs one with nothing there',
  }),
  'check-store-url': ({ url = 'the store URL' }) => ({
    text: `see that the disk, bucket or server of ${url} is there`,
  }),
  'check-writers': ({ url = 'the store URL' }) => ({ text: `find out who else can write to ${url}` }),
  'use-newer-release': ({ package: name = 'securestore' }) => ({ text: `a newer release of ${name} may be needed` }),
  'try-again': (_, commands) => same('try again', commands.again()),
  'wait-for-job': (_, commands) => ({ text: 'to see how far it is', command: commands.on(['job', 'list']) }),
  'resume-job': ({ job }, commands) => ({ text: 'to resume it', command: commands.on(['job', 'resume', job]) }),
  'cancel-job': ({ job }, commands) => ({ text: 'to stop it', command: commands.on(['job', 'cancel', job]) }),
  'forget-job': ({ job }, commands) => ({ text: 'to give it up', command: commands.on(['job', 'forget', job]) }),
  'start-job-again': (_, commands) => same('to begin it again', commands.again()),
  'start-rotation': (_, commands) => ({ text: 'to begin one', command: commands.on(['rotate']) }),
  'repair-object': (_, commands) => ({
    text: 'to repair it from a backup',
    command: commands.on(['scrub'], { repair: 'BACKUP' }),
  }),
  'restore-object': ({ key = 'KEY' }, commands) => ({
    text: 'to restore it from a backup as a new version',
    command: commands.on(['restore', 'BACKUP'], { key, conflict: 'overwrite' }),
  }),
  'overwrite-damaged': ({ key = 'KEY' }, commands) => ({
    text: commands.verb === 'rm' ? 'to store it again, after which it can be removed' : 'to store it again',
    command: commands.on(['put', key], { 'if-damaged': true }),
  }),
  'store-again': ({ key = 'KEY' }, commands) => ({ text: 'to replace it', command: commands.on(['put', key]) }),
  'undelete-object': ({ key = 'KEY' }, commands) => ({
    text: 'to restore it',
    command: commands.on(['undelete', key]),
  }),
  'list-versions': ({ key = 'KEY' }, commands) => ({
    text: 'to list its versions; undelete --version-id makes one that has not expired current',
    command: commands.on(['history', key]),
  }),
  'restore-version': ({ key = 'KEY', version }, commands) => ({
    text: 'if this older version is the right one, to make it current',
    command: commands.on(['undelete', key], { 'version-id': version }),
  }),
  'collect-garbage': (_, commands) => ({ text: 'to remove it once it is old', command: commands.on(['gc']) }),
  'verify-store': (_, commands) => ({ text: 'to see what is damaged', command: commands.on(['verify']) }),
  'choose-conflict-policy': () => ({ text: 'choose with --conflict skip, newer, overwrite or rename' }),
  'resume-restore': ({ url }, commands) =>
    commands.verb === 'restore'
      ? same('to resume the restore', commands.again())
      : {
          text: 'to resume the restore',
          command:
            url === undefined
              ? commands.on(['restore', 'BACKUP'])
              : commands.elsewhere(['restore', 'BACKUP'], { to: url }),
        },
  'give-up-restore': (_, commands) => ({
    text: 'to give the restore up',
    command: commands.on(['restore'], { 'give-up': true }),
  }),
  'restore-partially': (_, commands) => withOption('to leave out what is damaged', '--partial', commands),
  'list-snapshots': ({ destination = 'BACKUP' }, commands) => ({
    text: 'to see the snapshots',
    command: commands.elsewhere(['snapshots', destination]),
  }),
  'choose-snapshot': ({ destination = 'BACKUP' }, commands) => ({
    text: 'to choose another snapshot, for --snapshot',
    command: commands.on(['snapshots', destination]),
  }),
  'make-snapshot': ({ destination = 'DESTINATION' }, commands) => ({
    text: 'to make a new snapshot',
    command: commands.on(['backup', destination]),
  }),
  'verify-backup': ({ destination = 'BACKUP' }, commands) => ({
    text: 'to see what is damaged',
    command: commands.on(['verify', destination]),
  }),
  'remove-damaged-snapshots': ({ destination = 'DESTINATION' }, commands) => ({
    text: 'to remove damaged snapshots, too',
    command: commands.on(['retention', destination], { damaged: true }),
  }),
  'set-retention': ({ destination = 'DESTINATION' }, commands) => ({
    text: 'to set what it keeps',
    command: commands.on(['retention', destination], { set: true, 'keep-daily': 'COUNT' }),
  }),
  'register-destination': ({ destination = 'DESTINATION' }, commands) => ({
    text: 'to register it',
    command: commands.on(['destination', 'add', destination]),
  }),
  'unregister-destination': ({ destination = 'DESTINATION' }, commands) => ({
    text: 'if that destination is not used any more',
    command: commands.on(['destination', 'remove', destination]),
  }),
  'replace-destination': ({ destination = 'DESTINATION' }, commands) => ({
    text: `if ${destination} is gone for good, remove it, and repeat the command`,
    command: commands.on(['destination', 'remove', destination]),
  }),
  'take-over-destination': ({ destination = 'DESTINATION' }, commands) => ({
    text: 'if that store is lost, or is to use these backups no longer, to take them over',
    command: commands.on(['backup', destination], { 'take-over': true }),
  }),
  'list-destinations': (_, commands) => ({
    text: 'to list the destinations with their ids',
    command: commands.on(['destination', 'list']),
  }),
  'follow-destination': ({ destination = 'DESTINATION' }, commands) => ({
    text: 'to begin a continuous backup',
    command: commands.on(['backup', destination], { continuous: true }),
  }),
  'remove-schedule': (_, commands) => ({
    text: 'to remove one',
    command: commands.on(['schedule', 'remove', 'NAME']),
  }),
  'list-schedules': (_, commands) => ({ text: 'to list the schedules', command: commands.on(['schedule', 'list']) }),
  'read-again': ({ key = 'KEY' }, commands) => ({ text: 'to see what is there', command: commands.on(['info', key]) }),
  'resume-migration': ({ source, target }, commands) => ({
    text: 'to resume the migration',
    command: commands.elsewhere([
      'migrate',
      source ?? (target === undefined ? commands.store : undefined) ?? 'SOURCE',
      target ?? (source === undefined ? undefined : commands.store) ?? 'TARGET',
    ]),
  }),
  'cancel-migration': ({ source }, commands) => ({
    text: 'to cancel the migration',
    command: commands.elsewhere(['migrate', source ?? commands.store ?? 'SOURCE'], { cancel: true }),
  }),
  'reopen-source': ({ source }, commands) => ({
    text: 'if the store is lost there',
    command:
      source === undefined
        ? commands.on(['migrate'], { 'fail-back': true })
        : commands.elsewhere(['migrate', source], { 'fail-back': true }),
  }),
  'migrate-reencrypted': (_, commands) => ({
    text: 'to make a store with other settings of it',
    command: commands.elsewhere(['migrate', commands.store ?? 'SOURCE', 'TARGET'], { reencrypt: true }),
  }),
  'export-to-folder': (_, commands) => ({
    text: 'to export it as a file',
    command: commands.on(['export', 'FOLDER']),
  }),
  'narrow-prefix': () => ({ text: 'give a longer --prefix' }),
  'rename-file': ({ to }) => ({
    text: to === undefined ? 'rename the file, or the folder that it is in' : `rename it to ${JSON.stringify(to)}`,
  }),
  'move-file-away': ({ path }, commands) => same(`move ${JSON.stringify(path)} away, and try again`, commands.again()),
  'quote-value': () => ({
    text: 'put quotation marks around the value, or a space before the # of a comment',
  }),
  'restrict-file': ({ path }) => ({
    text: 'to make it yours alone',
    command: `chmod 600 ${shellPath(path)}`,
  }),
  'delete-anchor': ({ path }) => ({
    text: 'if you trust the store as it is',
    command: `rm ${shellPath(path)}`,
  }),
  'ask-owner': () => ({ text: 'ask an owner of the store, who can unlock all of it' }),
  'serve-store': () => ({
    text: 'create the store on the machine of the server, and serve it there',
    command: 'securestore serve --store URL',
  }),
  'request-approval': ({ action, call, key }, commands) => {
    if (CALLS_THAT_ASK.has(call)) return withOption('to ask for approval', '--ask=REASON', commands);
    const about = key === undefined ? { operation: JSON.stringify({ call }) } : {};
    const operands = ['approval', 'request', action, ...(key === undefined ? [] : [key])];
    return { text: 'to ask for approval', command: commands.on(operands, about) };
  },
  'ask-for-permission': ({ action, key }) => ({
    text: `ask an administrator of the store for ${action}${key === undefined ? '' : ` on ${JSON.stringify(key)}`}`,
  }),
  'list-actions': () => ({ text: 'to list the actions', command: 'securestore help role add' }),
  'serve-with-tls': () => ({
    text: 'give --tls-cert FILE and --tls-key FILE, or --behind-proxy if a proxy in front has TLS',
  }),
  'give-tls-ca': ({ setting }) => ({
    text:
      setting === undefined
        ? 'give the certificate of its authority by --tls-ca FILE or $SECURESTORE_TLS_CA'
        : `give the certificate of its authority as "${setting}" of the backend, or in $NODE_EXTRA_CA_CERTS`,
  }),
  'give-credentials': () => ({ text: 'set $SECURESTORE_TOKEN, or give --tls-cert FILE and --tls-key FILE' }),
  'give-store-url': ({ form }, commands) => {
    const meant = commands.storeAs(form);
    const again = meant === undefined ? undefined : commands.againAt(meant);
    if (again !== undefined) return { text: `did you mean ${meant}`, command: again };
    return { text: isMeant(form) ? `did you mean ${form}` : `give a store URL such as ${form}` };
  },
  'check-backend-access': () => ({ text: 'check the credentials for the backend, or the owner and mode of its files' }),
  'install-package': ({ package: name }) => ({
    // A name that the project uses is not always published.
    text: 'to install it, if it is published',
    command: shellWords(['npm', 'install', name]),
  }),
  'list-jobs': (_, commands) => ({ text: 'to list the jobs', command: commands.on(['job', 'list']) }),
  'list-slots': (_, commands) => ({ text: 'to list the slots', command: commands.on(['slot', 'list']) }),
  'list-members': (_, commands) => ({ text: 'to list the members', command: commands.on(['member', 'list']) }),
  'list-encryption-keys': (_, commands) => ({ text: 'to list them', command: commands.on(['key', 'list']) }),
  'show-settings': (_, commands) => ({ text: 'to show the settings', command: commands.on(['settings', 'show']) }),
  'change-settings': (_, commands) => ({
    text: 'to change the settings of the store',
    command: commands.on(['settings', 'change']),
  }),
  'add-slot': (_, commands) => ({ text: 'to add another one first', command: commands.on(['slot', 'add']) }),
  'remove-slot': ({ slot }, commands) => ({
    text: 'to remove the slot',
    command: commands.on(['slot', 'remove', slot]),
  }),
  'enable-audit-log': (_, commands) => ({
    text: 'to begin one',
    command: commands.on(['audit', 'on'], { auditor: 'RECIPIENT' }),
  }),
  'export-audit-log': (_, commands) => ({ text: 'to see older entries', command: commands.on(['audit', 'export']) }),
  'undo-key-destruction': ({ target }, commands) => ({
    text: 'to undo it',
    command: commands.on(['key', 'undo', target]),
  }),
};

function render<I extends AdviceId>(advice: Extract<Advice, { readonly id: I }>, commands: Commands): Hint {
  const renderer = RENDERERS[advice.id];
  return renderer(advice, commands);
}

function renderOwn({ text, on, options, command, again }: OwnHint, commands: Commands): Hint {
  if (again === true) return same(text, commands.again());
  if (on !== undefined) return { text, command: commands.on(on, options) };
  return command === undefined ? { text } : { text, command };
}

/** The name of a file that is most likely a database, and no folder. */
const DATABASE = /\.(?:db|sqlite3?)$/;

/** Several forms that would be right as one, the likeliest first. */
function withOneForm(advice: readonly Advice[]): readonly Advice[] {
  const forms = advice.flatMap((one) => (one.id === 'give-store-url' ? [one.form] : []));
  if (forms.length < 2) return advice;
  const sorted = forms.some((form) => DATABASE.test(form)) ? forms : forms.toSorted();
  return [{ id: 'give-store-url', form: sorted.join(' or ') }, ...advice.filter(({ id }) => id !== 'give-store-url')];
}

/** Whether two hints say the same; the first one may say more. */
function isSame(first: Hint, second: Hint): boolean {
  if (first.command === undefined && second.command === undefined) return first.text.startsWith(second.text);
  return first.command === second.command;
}

/**
 * The hints of an error: what to do next, the best first, at most three.
 *
 * @param own those of the command, which know more of what was tried than the library
 */
export function hintsOf(advice: readonly Advice[], context: HintContext, own: readonly OwnHint[] = []): Hint[] {
  const commands = new Commands(context);
  const ours = own.map((hint) => renderOwn(hint, commands));
  const all = [...ours, ...withOneForm(advice).map((one) => render(one, commands))];
  const first = all.filter((hint, at) => all.findIndex((one) => isSame(one, hint)) === at);
  return first.slice(0, MOST);
}
