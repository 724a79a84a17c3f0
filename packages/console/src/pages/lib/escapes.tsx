import { Fragment, options } from 'preact';
import type { ComponentChildren, JSX, VNode } from 'preact';
import { printablePieces } from '@securestore/protocol';
import { valueIsCopied } from './clipboard.ts';

/** Attributes that people see, or hear. */
const READ = ['title', 'alt', 'placeholder', 'aria-label', 'aria-description', 'aria-valuetext', 'data-title'] as const;
/** What breaks lines where lines are shown as they are, as those of a value. */
const LINES = /(\r?\n|\t)/;
/** By this the true character is known again when it is copied. */
const CHARACTER = 'data-character';

/** A character that nobody sees, as something that everybody does. */
function Escape({ character, escape }: { readonly character: string; readonly escape: string }): JSX.Element {
  return (
    <span class="escape" {...{ [CHARACTER]: character.codePointAt(0)?.toString(16) }}>
      {escape}
    </span>
  );
}

function escaped(text: string): ComponentChildren {
  const pieces = printablePieces(text);
  if (pieces.length < 2 && pieces[0] === text) return text;
  return pieces.map((piece) => (typeof piece === 'string' ? piece : <Escape {...piece} />));
}

/** What an element holds, with what its own texts have escaped. Elements in it were made by themselves. */
function shown(children: ComponentChildren, hasLines: boolean): ComponentChildren {
  if (typeof children === 'string') {
    if (!hasLines) return escaped(children);
    return children.split(LINES).map((part) => (LINES.test(part) ? part : escaped(part)));
  }
  return Array.isArray(children) ? children.map((child) => shown(child, hasLines)) : children;
}

function escapeIn(vnode: VNode): void {
  const { type } = vnode;
  if (typeof type !== 'string' && type !== Fragment) return;
  const props = vnode.props as Record<string, unknown> & { children?: ComponentChildren };
  if (props.children !== undefined) props.children = shown(props.children, type === 'pre');
  for (const name of READ) {
    const value = props[name];
    if (typeof value !== 'string') continue;
    props[name] = printablePieces(value)
      .map((piece) => (typeof piece === 'string' ? piece : piece.escape))
      .join('');
  }
}

/**
 * Has all text that comes into the page pass through here: what can't be seen, or turns the direction of what is around
 * it, is shown escaped, as the command line shows it. No view can forget it.
 */
export function escapeAllText(): void {
  const before = options.vnode?.bind(options);
  options.vnode = (vnode) => {
    escapeIn(vnode);
    before?.(vnode);
  };
}

/** Something for places in a text that no text has but by a chance of one in 2^64: characters for private use. */
const newMark = (): string =>
  String.fromCodePoint(
    ...Array.from(crypto.getRandomValues(new Uint16Array(4)), (part) => 0xf_00_00 + (part & 0xff_f0)),
  );

/** What was selected, as it is: with the characters that are escaped in the page, and names in one piece. */
function textOf(selection: Selection): string | undefined {
  const part = document.createElement('div');
  for (let at = 0; at < selection.rangeCount; at++) part.append(selection.getRangeAt(at).cloneContents());
  const characters: string[] = [];
  const mark = newMark();
  for (const element of part.querySelectorAll(`[${CHARACTER}]`)) {
    // Of one that was selected in part the whole is meant.
    characters.push(String.fromCodePoint(Number.parseInt(element.getAttribute(CHARACTER) ?? '', 16)));
    element.textContent = mark;
  }
  // Its two parts would come with something between them.
  for (const element of part.querySelectorAll('.name')) element.replaceChildren(element.textContent);
  // All else the browser copies better, such as several rows.
  if (characters.length === 0 && part.querySelector('.name')?.textContent !== part.textContent) return undefined;
  part.className = 'copying';
  document.body.append(part);
  const text = part.innerText;
  part.remove();
  return text.split(mark).reduce((whole, next, at) => `${whole}${characters[at - 1] ?? ''}${next}`);
}

/** Has what somebody copies out of the page be as it is, and not as it is shown, and a value not stay in the clipboard. */
export function copyTrueText(): void {
  document.addEventListener('copy', (event) => {
    // A field holds its text as it is.
    if (event.target instanceof HTMLInputElement) return;
    const selection = getSelection();
    if (selection === null || selection.isCollapsed || event.clipboardData === null) return;
    const hasValue = [...document.querySelectorAll('.value pre')].some((value) => selection.containsNode(value, true));
    const text = textOf(selection) ?? (hasValue ? selection.toString() : undefined);
    if (text === undefined) return;
    event.clipboardData.setData('text/plain', text);
    event.preventDefault();
    if (hasValue) void valueIsCopied(text);
  });
}
