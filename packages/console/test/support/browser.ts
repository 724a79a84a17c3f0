import { createRequire } from 'node:module';
import { readFile } from 'node:fs/promises';
import type { Browser, BrowserContext, Page } from 'playwright-core';
import { chromium } from 'playwright-core';

export type { Page } from 'playwright-core';

/** Debian's Chromium, which asks nobody for anything. */
const ARGUMENTS: readonly string[] = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];

export const WIDTHS = { wide: { width: 1280, height: 900 }, narrow: { width: 390, height: 844 } } as const;
export type Width = keyof typeof WIDTHS;

export interface BrowserSettings {
  readonly width?: Width;
  readonly theme?: 'light' | 'dark';
  readonly timeZone?: string;
}

/** A window that shares nothing with others, and what was wrong on its pages. */
export interface Opened extends AsyncDisposable {
  readonly page: Page;
  readonly context: BrowserContext;
  /** Errors in the console, violations of the policy, requests to others than `origin`: there are to be none. */
  readonly problems: string[];
}

/** To start a browser takes longer than most tests; windows of one browser know nothing of each other. */
let running: Promise<Browser> | undefined;

/** Ends the browser of all windows; whoever opened some calls it at the end. */
export async function closeBrowser(): Promise<void> {
  const browser = running;
  running = undefined;
  await (await browser)?.close();
}

/** What every window is like. */
const contextOf = ({ width = 'wide', theme = 'light', timeZone = 'Europe/Berlin' }: BrowserSettings): object => ({
  viewport: WIDTHS[width],
  colorScheme: theme,
  timezoneId: timeZone,
  locale: 'en-GB',
  reducedMotion: 'reduce',
  permissions: ['clipboard-read', 'clipboard-write'],
});

/** Opens a page in a window, and gathers what is wrong there. */
async function watched(context: BrowserContext, origin: string): Promise<Opened> {
  // Less than a test may take, so that it says what it waits for.
  context.setDefaultTimeout(60_000);
  const problems: string[] = [];
  const page = await context.newPage();
  watch(page, origin, problems);
  const close = async (): Promise<void> => {
    // An answer that a test makes itself may be on its way; nobody waits for it any more.
    if (!page.isClosed()) await page.unrouteAll({ behavior: 'ignoreErrors' });
    await context.close();
  };
  return { page, context, problems, [Symbol.asyncDispose]: close };
}

function watch(page: Page, origin: string, problems: string[]): void {
  page.on('console', (message) => {
    // A refusal of the server is no error of the page, and the browser tells it as one.
    if (message.type() === 'error' && !/the server responded with a status of 4\d\d/.test(message.text()))
      problems.push(message.text());
    if (/Content Security Policy|TrustedScript|Trusted Type/.test(message.text())) problems.push(message.text());
  });
  page.on('pageerror', (error) => problems.push(error.stack ?? error.message));
  page.on('request', (request) => {
    const url = new URL(request.url());
    // Going elsewhere is for whoever signs in with a provider; what is there asks for is not of our pages.
    const isOurs = !request.isNavigationRequest() && request.frame().url().startsWith(origin);
    if (isOurs && url.origin !== origin && url.protocol !== 'blob:') problems.push(`a request to ${url.origin}`);
  });
}

/** Opens a window for the pages at `origin`. */
export async function openBrowser(
  executablePath: string,
  origin: string,
  settings: BrowserSettings = {},
): Promise<Opened> {
  running ??= chromium.launch({ executablePath, headless: true, args: [...ARGUMENTS] });
  const browser = await running;
  return watched(await browser.newContext(contextOf(settings)), origin);
}

/** Opens a browser of its own that keeps its profile in `folder`, as that of a person does. Disposing of it ends the browser. */
export async function openProfile(executablePath: string, origin: string, folder: string): Promise<Opened> {
  const options = {
    executablePath,
    headless: true,
    args: [...ARGUMENTS],
    // People's browsers keep pages for going back.
    ignoreDefaultArgs: ['--disable-back-forward-cache'],
    ...contextOf({}),
  };
  return watched(await chromium.launchPersistentContext(folder, options), origin);
}

/** Signs in, from wherever the page is. */
export async function signIn(page: Page, url: string, token: string): Promise<void> {
  await page.goto(`${url}/console/`);
  await page.getByLabel('API token').fill(token);
  await page.getByRole('button', { name: 'Sign in', exact: true }).click();
  await page.getByRole('heading', { level: 1, name: 'Overview' }).waitFor();
}

const require = createRequire(import.meta.url);
let source: string | undefined;

/** What axe finds on a page, a line for each place. */
export async function axeFindings(page: Page): Promise<string[]> {
  source ??= await readFile(require.resolve('axe-core/axe.min.js'), 'utf8');
  await page.evaluate(source);
  const results = await page.evaluate(async () => {
    const { axe } = globalThis as unknown as {
      axe: { run: (options: object) => Promise<{ violations: Violation[] }> };
    };
    return axe.run({ resultTypes: ['violations'] });
  });
  return results.violations.flatMap(({ id, help, nodes }) =>
    nodes.map(({ html, failureSummary }) => `${id}: ${help}: ${html} ${failureSummary ?? ''}`),
  );
}

interface Violation {
  readonly id: string;
  readonly help: string;
  readonly nodes: readonly { readonly html: string; readonly failureSummary?: string }[];
}
