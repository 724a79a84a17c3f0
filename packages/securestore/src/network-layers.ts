import { type Layer, limitLayer, retryLayer, timeoutLayer } from '@securestore/backend-api';

/** For backends that are reached over a network. `file:`, `sqlite:` and `memory:` have nothing to gain by waiting. */
export const NETWORK_LAYERS: readonly Layer[] = [timeoutLayer({ milliseconds: 60_000 }), limitLayer(64), retryLayer()];
