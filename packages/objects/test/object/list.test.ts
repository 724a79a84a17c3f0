import { describeListing } from '../surface/list.ts';
import { embedded } from '../surface/surface.ts';

describeListing(embedded);
