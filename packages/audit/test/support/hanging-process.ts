// Run as a process that has nothing else to do than to wait for a sink that never answers: prints how that ends.
import { AuditLog, functionSink } from '../../src/index.ts';
import { endOf } from './logs.ts';
import { newAuditor, newStore } from './world.ts';

const store = await newStore(await newAuditor());
const sink = functionSink('stuck', () => new Promise(() => undefined));
const log = await AuditLog.open({ ...store.basis, mode: 'fail-closed', sinks: [{ sink, timeout: 50 }] });
console.log(await endOf(log.record({ action: 'read', outcome: 'allowed' })));
console.log(await endOf(log.close()));
