import {
  ContainerSASPermissions,
  StorageSharedKeyCredential,
  generateBlobSASQueryParameters,
} from '@azure/storage-blob';
import { parseTarget } from '../../src/connection/location.ts';

/** A signature that allows some things in the container of a store URL. */
export function signatureFor(url: string, permissions: string, expiresOn = new Date(Date.now() + 600_000)): string {
  const { account = '', container } = parseTarget(url);
  const key = new StorageSharedKeyCredential(account, process.env['AZURE_STORAGE_KEY'] ?? '');
  const rights = ContainerSASPermissions.parse(permissions);
  const startsOn = new Date(Date.now() - 3_600_000);
  return String(
    generateBlobSASQueryParameters({ containerName: container, permissions: rights, startsOn, expiresOn }, key),
  );
}
