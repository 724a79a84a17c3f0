/** The folder that holds `index.html`, and below `assets/` everything that it names, each with a hash in its name. Ends with `/`. */
export const files: URL = new URL('../dist/pages/', import.meta.url);
