import { describeTimes } from '../surface/times.ts';
import { embedded } from '../surface/surface.ts';

describeTimes(embedded);
