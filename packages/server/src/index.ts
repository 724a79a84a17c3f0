export { clientCertificates } from './client-certificates.ts';
export type { ConsoleProvider } from './console/oidc.ts';
export type { ServerLimits } from './limits.ts';
export { openApiOf } from './openapi.ts';
export { ROUTES } from './routes/index.ts';
export type { Route } from './route.ts';
export { serve } from './server.ts';
export type { RunningServer, ServerOptions, TlsOptions } from './server.ts';
