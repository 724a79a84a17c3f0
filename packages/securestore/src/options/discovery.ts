import type { ApprovePackage } from '@securestore/backend-api';
import type { StoreConfig } from './config.ts';

/**
 * How a program finds packages and settings that works in folders of others, as a command line does. An application works in a folder of its own, and needs
 * none of it.
 */
export interface Discovery {
  /** Folders from which official backends are taken before those of the application. */
  readonly before: readonly string[];
  /** The settings. The configuration file is then neither read nor run. */
  readonly config: () => Promise<StoreConfig>;
  /** Asked before the code of a package of the application runs; what it throws refuses the package. */
  readonly approve: ApprovePackage;
  /** Asked before a destination of backups is reached; what it throws keeps it from being reached. Default: all are. */
  readonly reach?: ((url: string) => void) | undefined;
}
