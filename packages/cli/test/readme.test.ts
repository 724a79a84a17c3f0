import { readFile } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import type { ProgramHelp } from '../src/help/describe.ts';
import { runHere } from './support/in-process.ts';

const pageAt = (path: string): Promise<string> => readFile(new URL(`../${path}`, import.meta.url), 'utf8');
const help = JSON.parse((await runHere(['help', '--json'])).stdout) as ProgramHelp;

describe('the README', () => {
  it('names every command, with a guide', async () => {
    const rows = [...(await pageAt('README.md')).matchAll(/^\| [^|]+\|([^|]+)\|[^|]*\]\([^|]+\|$/gm)];
    const named = rows.flatMap(([, commands = '']) => [...commands.matchAll(/`(\w+)`/g)].map(([, name = '']) => name));
    expect(help.commands.length).toBeGreaterThan(40);
    expect(named.toSorted()).toEqual(help.commands.map(({ name }) => name).toSorted());
  });
});

describe('the page about commands', () => {
  it('has every exit code', async () => {
    const rows = (await pageAt('../../docs/reference/commands.md')).matchAll(/^\| (\d+) +\|/gm);
    expect([...rows].map(([, code]) => Number(code))).toEqual(help.exitCodes.map(({ code }) => code));
  });
});
