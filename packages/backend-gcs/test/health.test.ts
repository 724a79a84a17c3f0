import { describeHealth } from '../../securestore/test/support/server-health.ts';
import { NO_SERVER, freshLocation, proxied } from './support/stores.ts';

describeHealth({ name: 'gcs', skip: NO_SERVER, fresh: freshLocation, proxied });
