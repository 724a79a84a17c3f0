import type { TestProject } from 'vitest/node';
import { type Browser, provideChromium } from '../chromium.ts';

declare module 'vitest' {
  interface ProvidedContext {
    chromium: Browser;
  }
}

/** A global setup of Vitest that finds the browser, which the tests `inject`. */
export default async function setup(project: TestProject): Promise<void> {
  project.provide('chromium', await provideChromium());
}
