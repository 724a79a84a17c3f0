/** A variable of the environment that the command line reads. */
export interface VariableHelp {
  readonly name: string;
  readonly meaning: string;
}

/** Every variable that the command line reads, except those of backends and of the programs that it starts. */
export const ENVIRONMENT: readonly VariableHelp[] = [
  { name: 'SECURESTORE_URL', meaning: 'the store, as --store gives it' },
  { name: 'SECURESTORE_KEY_FILE', meaning: 'the key file that unlocks the store, as --key-file gives it' },
  { name: 'SECURESTORE_PASSPHRASE', meaning: 'the passphrase itself' },
  { name: 'SECURESTORE_PASSPHRASE_FILE', meaning: 'a file that holds the passphrase, as --passphrase-file gives it' },
  {
    name: 'SECURESTORE_PASSPHRASE_COMMAND',
    meaning: 'a command that writes the passphrase, as --passphrase-command gives it',
  },
  { name: 'SECURESTORE_TOKEN', meaning: 'the API token for a remote store, as --token gives it' },
  { name: 'SECURESTORE_TLS_CERT', meaning: 'the client certificate for a remote store, as --tls-cert gives it' },
  { name: 'SECURESTORE_TLS_KEY', meaning: 'its private key, as --tls-key gives it' },
  {
    name: 'SECURESTORE_TLS_CA',
    meaning: 'the authorities that a remote store is checked against, as --tls-ca gives them',
  },
  { name: 'SECURESTORE_WORKERS', meaning: 'how many processes serve a store, as --workers gives it' },
  { name: 'SECURESTORE_WEBHOOK_URL', meaning: 'the URL to which schedules send alerts' },
  { name: 'SECURESTORE_PING_URL', meaning: 'the URL that schedules call after each run that succeeded' },
  {
    name: 'CREDENTIALS_DIRECTORY',
    meaning: 'a folder of systemd with the files securestore-key, securestore-passphrase or securestore-token',
  },
  { name: 'XDG_STATE_HOME', meaning: 'the folder of the anchors, by default ~/.local/state' },
  { name: 'XDG_CONFIG_HOME', meaning: 'the folder of the list of trusted folders, by default ~/.config' },
  { name: 'XDG_RUNTIME_DIR', meaning: 'a folder in memory for the text of edit, if /dev/shm cannot be used' },
  { name: 'TMPDIR', meaning: 'the folder for the text of edit with --allow-disk' },
  {
    name: 'HOME',
    meaning: 'the home folder, in which the folders of $XDG_STATE_HOME and $XDG_CONFIG_HOME are by default',
  },
  { name: 'VISUAL', meaning: 'the editor of edit; otherwise $EDITOR' },
  { name: 'EDITOR', meaning: 'the editor of edit' },
  { name: 'NO_COLOR', meaning: 'no colours, also on a terminal' },
];

/** The order of the sources of an unlock secret. */
export const SECRET_ORDER: string =
  'If several of them give an unlock secret, only the first in this order is used: an option of the command, ' +
  '$SECURESTORE_KEY_FILE, $SECURESTORE_PASSPHRASE, $SECURESTORE_PASSPHRASE_FILE, $SECURESTORE_PASSPHRASE_COMMAND, ' +
  'securestore-key and then securestore-passphrase in $CREDENTIALS_DIRECTORY, a prompt on the terminal.';
