// `main.ts [server...]`: runs servers until it is ended, and prints the variables that make tests use them.
import { provideServer } from './provide/provide.ts';
import { SERVICES, serviceNamed } from './provide/services.ts';

const names = process.argv.slice(2);
const services = names.length === 0 ? SERVICES : names.map(serviceNamed);
const running = await Promise.all(services.map(async (service) => ({ service, ...(await provideServer(service)) })));
for (const { service, provided } of running) {
  if ('url' in provided) console.log(`export ${service.variable}='${provided.url}'`);
}
const stop = async (): Promise<void> => {
  await Promise.all(running.map(async (server) => server.stop()));
  clearInterval(waiting);
};
const waiting = setInterval(() => undefined, 2 ** 30);
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => void stop());
