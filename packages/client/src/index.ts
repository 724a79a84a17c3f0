export { openRemoteStore } from './remote/remote-store.ts';
export type { RemoteCredentials, RemoteOptions, RemoteStore, RemoteTls } from '@securestore/protocol';
