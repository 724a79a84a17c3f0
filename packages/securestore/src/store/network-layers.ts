import { type Layer, limitLayer, type RetryOptions, retryLayer, timeoutLayer } from '@securestore/backend-api';

/** For backends that are reached over a network. `file:`, `sqlite:` and `memory:` have nothing to gain by waiting. */
export function networkLayers(options: Pick<RetryOptions, 'onRetry'> = {}): readonly Layer[] {
  return [timeoutLayer({ milliseconds: 60_000 }), limitLayer(64), retryLayer(options)];
}
