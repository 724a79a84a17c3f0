import { randomBytes } from 'node:crypto';
import { Readable } from 'node:stream';
import type { Absence } from '../measure/model.ts';
import { loadRival, prepare, rivalVersion } from './load.ts';

/** Something that encrypts messages and streams, without storing them. */
export interface Sealer {
  readonly name: string;
  seal(message: Uint8Array): Promise<Uint8Array>;
  open(sealed: Uint8Array): Promise<Uint8Array>;
  sealStream(source: AsyncIterable<Uint8Array>): AsyncIterable<Uint8Array>;
  openStream(source: AsyncIterable<Uint8Array>): AsyncIterable<Uint8Array>;
}

interface AwsClient {
  encrypt(keyring: object, data: Uint8Array, options: object): Promise<{ result: Uint8Array }>;
  decrypt(keyring: object, data: Uint8Array): Promise<{ plaintext: Uint8Array }>;
  encryptStream(keyring: object, options: object): NodeJS.ReadWriteStream;
  decryptUnsignedMessageStream(keyring: object, options: object): NodeJS.ReadWriteStream;
}

interface AwsModule {
  readonly buildClient: (policy: string) => AwsClient;
  readonly CommitmentPolicy: { readonly REQUIRE_ENCRYPT_REQUIRE_DECRYPT: string };
  readonly AlgorithmSuiteIdentifier: { readonly ALG_AES256_GCM_IV12_TAG16_HKDF_SHA512_COMMIT_KEY: number };
  readonly RawAesWrappingSuiteIdentifier: { readonly AES256_GCM_IV12_TAG16_NO_PADDING: number };
  readonly RawAesKeyringNode: new (options: object) => object;
}

/** The AWS Encryption SDK with a raw AES-256 keyring, key commitment and no signature: its fastest committing form. */
export async function awsEncryptionSdk(key: Uint8Array): Promise<Sealer> {
  const aws = await loadRival<AwsModule>('@aws-crypto/client-node');
  const client = aws.buildClient(aws.CommitmentPolicy.REQUIRE_ENCRYPT_REQUIRE_DECRYPT);
  const keyring = new aws.RawAesKeyringNode({
    keyName: 'bench',
    keyNamespace: 'bench',
    // The keyring refuses memory that is shared with other buffers.
    unencryptedMasterKey: Uint8Array.from(key),
    wrappingSuite: aws.RawAesWrappingSuiteIdentifier.AES256_GCM_IV12_TAG16_NO_PADDING,
  });
  const options = {
    suiteId: aws.AlgorithmSuiteIdentifier.ALG_AES256_GCM_IV12_TAG16_HKDF_SHA512_COMMIT_KEY,
    encryptionContext: { owner: 'ops' },
  };
  return {
    name: `AWS Encryption SDK ${rivalVersion('@aws-crypto/client-node')}`,
    seal: async (message) => (await client.encrypt(keyring, message, options)).result,
    open: async (sealed) => (await client.decrypt(keyring, sealed)).plaintext,
    sealStream: (source) => through(source, client.encryptStream(keyring, { ...options, frameLength: 2 ** 20 })),
    openStream: (source) => through(source, client.decryptUnsignedMessageStream(keyring, {})),
  };
}

function through(source: AsyncIterable<Uint8Array>, transform: NodeJS.ReadWriteStream): AsyncIterable<Uint8Array> {
  // Neither stream has an encoding, so no piece is a string.
  return Readable.from(source).compose(transform) as AsyncIterable<Buffer>;
}

interface AgeModule {
  readonly generateX25519Identity: () => Promise<string>;
  readonly identityToRecipient: (identity: string) => Promise<string>;
  readonly Encrypter: new () => {
    addRecipient(recipient: string): void;
    encrypt<T extends Uint8Array | ReadableStream<Uint8Array>>(file: T): Promise<T>;
  };
  readonly Decrypter: new () => {
    addIdentity(identity: string): void;
    decrypt<T extends Uint8Array | ReadableStream<Uint8Array>>(file: T): Promise<T>;
  };
}

/** age with one X25519 recipient. */
async function age(): Promise<Sealer> {
  const module = await loadRival<AgeModule>('age-encryption');
  const identity = await module.generateX25519Identity();
  const encrypter = new module.Encrypter();
  encrypter.addRecipient(await module.identityToRecipient(identity));
  const decrypter = new module.Decrypter();
  decrypter.addIdentity(identity);
  return {
    name: `age-encryption ${rivalVersion('age-encryption')}`,
    seal: (message) => encrypter.encrypt(message),
    open: (sealed) => decrypter.decrypt(sealed),
    sealStream: async function* (source) {
      yield* await encrypter.encrypt(ReadableStream.from(source));
    },
    openStream: async function* (source) {
      yield* await decrypter.decrypt(ReadableStream.from(source));
    },
  };
}

/** Rivals that encrypt messages and streams, by their names without a version. */
export const SEALERS: Readonly<Record<string, () => Promise<Sealer>>> = {
  'AWS Encryption SDK': () => awsEncryptionSdk(randomBytes(32)),
  'age-encryption': age,
};

/** Those that are there, with the names that include the version. */
export async function availableSealers(
  absent: (absence: Absence) => void,
): Promise<readonly { readonly id: string; readonly name: string }[]> {
  const found = await Promise.all(
    Object.entries(SEALERS).map(async ([id, make]) => {
      const sealer = await prepare(id, make, absent);
      return sealer === undefined ? [] : [{ id, name: sealer.name }];
    }),
  );
  return found.flat();
}
