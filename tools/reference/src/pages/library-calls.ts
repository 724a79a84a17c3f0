import type { Member } from '../facts/tsdoc.ts';
import { callsOf, membersOf } from '../facts/tsdoc.ts';
import { code, codes, definitions, page, section, sentence } from '../text/markdown.ts';

const TYPES = 'packages/objects/src/api/types.ts';
const OPTIONS = 'packages/securestore/src/options/options.ts';

/** The interfaces of the options of calls, with the calls that take them. */
const TAKEN: readonly (readonly [name: string, calls: readonly string[]])[] = [
  ['CallOptions', []],
  ['StoredWith', ['store']],
  ['StoreConditions', ['store']],
  ['RetrieveOptions', ['retrieve', 'retrieveStream', 'info']],
  ['RangeOptions', ['retrieveStream']],
  ['ChangeOptions', ['setMetadata', 'delete']],
  ['RestoreVersionConditions', ['restoreVersion']],
  ['PurgeConditions', ['purge']],
  ['ListingOptions', ['keys', 'entries']],
  ['ManyOptions', ['storeMany', 'retrieveMany']],
];

const withoutStop = (text: string): string => text.replace(/\.$/, '');

function openingOptions(root: string): string {
  const opened: readonly (readonly [name: string, of: string])[] = [
    ['CommonOptions', 'both'],
    ['OpenOptions', 'openStore'],
    ['BackendOptions', 'both'],
  ];
  const rows = opened.flatMap(([name, of]) =>
    membersOf(root, OPTIONS, name).map(({ name: option, text, fallback = '' }: Member) => [
      code(option),
      of === 'both' ? '' : code(of),
      fallback,
      withoutStop(text),
    ]),
  );
  return definitions(['Option', 'only of', 'default', 'Meaning'], rows);
}

/** The page about the calls on objects, and the options of the library. @param root of the repository */
export function libraryCallsPage(root: string): string {
  const calls = callsOf(root, 'packages/objects/src/api/secure-storage.ts', 'SecureStorage');
  return page(
    'Library calls',
    'The calls on objects, and the options of calls and of opening. TSDoc has the errors of each, and examples. [Administration](library.md).',
    [
      section(
        2,
        'Objects',
        'An open store, a [session](../build/access/README.md) and a [remote store](../build/open-and-create.md#open-a-remote-store) have these calls (the interface `SecureStorage`). An acknowledged write is durable.',
        definitions(
          ['Call', 'Meaning'],
          calls.map(({ signature, text, returns }) => [
            code(signature),
            withoutStop(returns === '' ? text : `${text} ${sentence(`returns ${returns}`)}`),
          ]),
        ),
      ),
      section(
        2,
        'Options of object calls',
        'A call takes at most one [condition](../build/versions-and-conditions.md#conditions).',
        definitions(
          ['Option', 'of', 'Meaning'],
          TAKEN.flatMap(([name, takers]) =>
            membersOf(root, TYPES, name).map(({ name: option, text, fallback }) => [
              code(option),
              takers.length === 0 ? 'every call' : codes(takers),
              withoutStop(fallback === undefined ? text : `${text} Default ${fallback}`),
            ]),
          ),
        ),
      ),
      section(
        2,
        'Options of opening',
        '`openStore` and `createStore` take these and the [settings of a store](configuration.md#settings-of-a-store).',
        openingOptions(root),
      ),
    ],
  );
}
