import { describeClientsAtOnce } from '../surface/concurrency.ts';
import { embedded } from '../surface/surface.ts';

describeClientsAtOnce(embedded);
