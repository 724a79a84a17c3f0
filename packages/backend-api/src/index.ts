export { CONTRACT_VERSION } from './contract.ts';
export type {
  BackendCapabilities,
  BackendConfig,
  BackendDefinition,
  BatchOperation,
  DeleteOptions,
  ListEntry,
  ListOptions,
  ListResult,
  ReadOptions,
  ReadResult,
  StorageBackend,
  WriteOptions,
  WriteResult,
} from './contract.ts';
