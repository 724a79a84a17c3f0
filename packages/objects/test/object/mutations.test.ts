import { describeMutations } from '../surface/mutations.ts';
import { embedded } from '../surface/surface.ts';

describeMutations(embedded);
