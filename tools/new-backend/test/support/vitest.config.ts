import { defineConfig } from 'vitest/config';

// As the configuration of this repository: packages are read from their source, so that nothing has to be built.
const conditions = ['@securestore/source', 'node'];

export default defineConfig({ resolve: { conditions }, ssr: { resolve: { conditions } } });
