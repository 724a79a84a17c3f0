export { memoryBackend as default, memoryBackend } from './definition.ts';
export { MemoryBackend } from './memory-backend.ts';
export type { MemoryBackendSettings } from './memory-backend.ts';
