import type { Advice } from '@securestore/core-format';
import { ADVICE_IDS } from '@securestore/core-format';
import { hintsOf } from '../../../../packages/cli/src/errors/advice-hints.ts';
import { membersOf } from '../facts/tsdoc.ts';
import { code, fromPlain, list, page, sentence } from '../text/markdown.ts';

/** A value for each parameter that an advice can have. */
const PARAMETERS = {
  job: 'JOB',
  key: 'KEY',
  source: 'SOURCE',
  target: 'TARGET',
  destination: 'DESTINATION',
  url: 'URL',
  package: 'PACKAGE',
  slot: 'SLOT',
  path: 'FILE',
  to: 'NAME',
  action: 'ACTION',
  call: 'CALL',
  form: 'URL',
} as const;

/** The hint of the command line for an advice. */
function hintOf(id: Advice['id']): string {
  const [hint] = hintsOf([{ id, ...PARAMETERS } as unknown as Advice], { args: ['COMMAND'] });
  if (hint === undefined) return '';
  const text = fromPlain(hint.text);
  return hint.command === undefined ? text : `${text}: ${code(hint.command)}`;
}

/** The page about the ids of advice. @param root of the repository */
export function advicePage(root: string): string {
  const texts = new Map(
    membersOf(root, 'packages/core-format/src/errors/advice.ts', 'AdviceParameters').map(({ name, text }) => [
      name.replaceAll("'", ''),
      text.replace(/\.$/, ''),
    ]),
  );
  return page(
    'Advice',
    'The ids in `advice` of [an error](../errors.md#advice): what helps in a program, and the hint of the command line.',
    [list(ADVICE_IDS.map((id) => `${code(id)}: ${sentence(texts.get(id) ?? '')} _Hint:_ ${hintOf(id)}`))],
  );
}
