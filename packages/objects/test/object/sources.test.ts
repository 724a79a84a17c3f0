import { describeSources } from '../surface/sources.ts';
import { embedded } from '../surface/surface.ts';

describeSources(embedded);
