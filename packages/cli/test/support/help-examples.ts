/** What a help example needs to be run, and how it ends. */
export interface ExampleSetup {
  /** Lines of bash that run before it, in the same shell. */
  readonly before?: string;
  /** The words of the example that the reader replaces, each with the variable that `before` sets. */
  readonly words?: Readonly<Record<string, string>>;
  /** Options without which it would ask a person, or take a port that another program may have. */
  readonly append?: string;
  /** Output at which it is interrupted, if it never ends by itself. */
  readonly until?: RegExp;
  readonly exitCode?: number;
}

/** Lines of bash that make what the examples assume: a store, objects, files, roles and a backup. */
export const WORLD = `
mkdir credentials secrets old-project
head -c 32 /dev/urandom > credentials/securestore-key
head -c 300000 /dev/urandom > disk.img
head -c 24 /dev/urandom | base64 > new-passphrase
printf 's3cr3t' > secrets/password
printf 'PORT=8080\\n' > .env
printf 'process.exit(process.env.DATABASE_PASSWORD === "s3cr3t" ? 0 : 1)' > server.js
printf '#!/bin/sh\\ntest "$PASSWORD" = s3cr3t\\n' > migrate
printf '#!/bin/sh\\n' > notify
chmod 600 credentials/* new-passphrase && chmod 700 migrate notify
securestore init --define-category 'prod=prod/**' --define-category 'pii=users/**'
for key in db/prod/password db/test/password db/prod/user_name app/v1/a app/v1/b users/1; do
  printf s3cr3t | securestore put "$key"
done
securestore meta set db/prod/password owner=dev ticket=7
printf '{}' | securestore put app/config.json
securestore put images/disk.img disk.img
securestore identity new -o me.identity
securestore identity new -o auditor.identity
securestore role add db-reader --template reader --keys 'db/**'
securestore role add operators --allow backup,purge,read,list
securestore grant corp:alice db-reader
securestore grant deployer db-reader --service
securestore grant operations operators
securestore approval add purge
securestore audit on --auditor "$(securestore identity show auditor.identity --json | field recipient)"
securestore backup file:./backup
securestore schedule add nightly file:./backup --cron @daily
`;

/** Functions of bash for the set-ups: `field NAME` prints a value of the JSON that it reads. */
export const FUNCTIONS = String.raw`
field() { sed -n "s/.*\"$1\":\"\([^\"]*\)\".*/\1/p" | head -n 1; }
recipient() { RECIPIENT=$(securestore identity show "$1" --json | field recipient); }
invite() { recipient me.identity; securestore slot add --recipient "$RECIPIENT" > invitation.txt; }
served() {
  TOKEN=$(securestore token new operations --json | field token)
  securestore serve --port 0 --json --no-console > serve.log 2>&1 &
  trap "kill $!; wait" EXIT
  until grep -q '"serving"' serve.log; do sleep 0.1; done
  export SECURESTORE_URL=$(field serving < serve.log) SECURESTORE_TOKEN=$TOKEN
}
requested() { (served; securestore approval request purge db/test/password --json) | field id > id; ID=$(cat id); }
listed() { securestore job list --json; }
# Until it is listed, or has ended already.
begun() { ID=; until ID=$(listed | field id); [ -n "$ID" ] || ! kill -0 $!; do sleep 0.1; done; }
scrubbing() { securestore scrub --rate "$1" > scrub.log 2>&1 & begun; }
# One that was over before the interrupt came is begun again.
interrupted() { until listed | grep interrupted; do "$@" & begun; kill -INT $! || true; wait $! || true; done; ID=$(listed | field id); }
`;

const ID = { ID: '"$ID"' };
const REQUESTED: ExampleSetup = { before: 'requested', words: ID };
const INTERRUPTED: ExampleSetup = { before: 'interrupted securestore scrub --rate 20KB/s', words: ID };
const YES: ExampleSetup = { append: ' --yes' };

/** Each example that needs more than {@link WORLD}. */
export const SETUPS: Readonly<Record<string, ExampleSetup>> = {
  // As where no store was before.
  'securestore init sqlite:./vault.db': { before: 'rm -r vault.db* state' },
  'printf %s "$TOKEN" | securestore put ci/token --meta owner=ops --expires 30d': { before: 'TOKEN=t0k3n' },
  'securestore purge db/test/password': YES,
  'securestore undelete db/test/password': { before: 'securestore rm db/test/password' },
  'securestore edit app/config.json': { before: 'export EDITOR=true' },
  // An editor that needs no terminal stands for vim.
  "EDITOR='vim -n -i NONE' securestore edit app/config.json": {
    before: `mkdir editors; printf '#!/bin/sh\\nfor file; do :; done; echo >> "$file"\\n' > editors/vim
chmod 700 editors/vim; export PATH=$PWD/editors:$PATH`,
  },
  'securestore rotate --resume': { before: 'interrupted securestore rotate --same-secret' },
  'securestore key destroy pii --wait 7d': YES,
  'securestore key undo pii': { before: 'securestore key destroy pii --wait 7d --yes' },
  'securestore slot remove ID': {
    before: 'ID=$(securestore slot add --new-recovery-code --json | field id)',
    words: ID,
  },
  'securestore identity new -o ./me.identity': { before: 'rm me.identity' },
  'securestore identity pin ./me.identity --invitation-file ./invitation.txt': { before: 'invite' },
  'securestore ls --invitation-file invitation.txt --identity-file me.identity': { before: 'invite' },
  'securestore role remove db-reader': YES,
  'securestore token revoke ID': {
    before: 'ID=$(securestore token new deployer --json | field id)',
    words: ID,
  },
  'securestore member add ann RECIPIENT --category web --prefix app/ --into web/': {
    before: 'recipient me.identity',
    words: { RECIPIENT: '"$RECIPIENT"' },
    append: ' --yes',
  },
  'securestore member add ann RECIPIENT --category prod > invitation.txt': {
    before: 'recipient me.identity',
    words: { RECIPIENT: '"$RECIPIENT"' },
  },
  'securestore member revoke ann': {
    before: 'recipient me.identity; securestore member add ann "$RECIPIENT" --category prod',
  },
  'securestore approval show ID': REQUESTED,
  "securestore approval request purge db/test/password --reason 'customer left'": { before: 'served' },
  'securestore approve ID --expires 10m': REQUESTED,
  'securestore deny ID': REQUESTED,
  'securestore audit on --auditor RECIPIENT': {
    before: 'recipient me.identity',
    words: { RECIPIENT: '"$RECIPIENT"' },
  },
  'securestore backup file:./backup --continuous': { until: /recoverable to/, exitCode: 130 },
  "securestore schedule add nightly file:./backup --cron '30 2 * * *'": {
    before: 'securestore schedule remove nightly',
  },
  'securestore receipt ./drill.receipt': { before: 'securestore drill file:./backup --receipt ./drill.receipt' },
  'securestore receipt ./drill.receipt --fingerprint FINGERPRINT': {
    before: `securestore drill file:./backup --receipt ./drill.receipt
FINGERPRINT=$(securestore slot list 2>&1 | sed -n 's/^fingerprint of the store: //p')`,
    words: { FINGERPRINT: '"$FINGERPRINT"' },
  },
  'securestore migrate file:./new-vault --finalize': {
    before: 'securestore migrate sqlite:./vault.db file:./new-vault',
  },
  'securestore clock reset --store sqlite:./vault.db': YES,
  'securestore job resume ID': INTERRUPTED,
  'securestore job cancel ID': { before: 'scrubbing 1KB/s', words: ID },
  'securestore job forget ID': INTERRUPTED,
  'securestore serve': { append: ' --port 0', until: /http:/ },
  'securestore serve --host 0.0.0.0 --tls-cert server.pem --tls-key server.key': {
    before: `openssl req -x509 -newkey ed25519 -nodes -keyout server.key -out server.pem -days 1 -subj /CN=localhost 2> /dev/null`,
    append: ' --port 0',
    until: /https:/,
  },
  'securestore trust': { before: "echo 'export default {}' > securestore.config.js" },
  'securestore trust --remove ./old-project': {
    before: "echo 'export default {}' > old-project/securestore.config.js; securestore trust ./old-project",
  },
};

/** The programs that an example needs besides this one, without which it cannot run. */
export const PROGRAMS: Readonly<Record<string, string>> = {
  'securestore man | man -l -': 'man',
  'securestore serve --host 0.0.0.0 --tls-cert server.pem --tls-key server.key': 'openssl',
};
