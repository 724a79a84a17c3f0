export { clientCertificates } from './caller/client-certificates.ts';
export type { ConsoleProvider } from './console/oidc.ts';
export type { ServerLimits } from './limits/limits.ts';
export { openApiOf } from './exchange/openapi.ts';
export { ROUTES } from './routes/index.ts';
export type { Route } from './exchange/route.ts';
export { serve } from './server.ts';
export type { RunningServer, ServerOptions, TlsOptions } from './server.ts';
