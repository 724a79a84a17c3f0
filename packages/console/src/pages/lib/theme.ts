import { effect, signal } from '@preact/signals';

export type Theme = 'system' | 'light' | 'dark';
export const THEMES: readonly Theme[] = ['system', 'light', 'dark'];

/** The only thing that is kept in the storage of the browser. */
const NAME = 'securestore-theme';

function remembered(): Theme {
  const found = localStorage.getItem(NAME);
  return THEMES.find((one) => one === found) ?? 'system';
}

export const theme = signal<Theme>(remembered());

effect(() => {
  document.documentElement.dataset['theme'] = theme.value;
  if (theme.value === 'system') localStorage.removeItem(NAME);
  else localStorage.setItem(NAME, theme.value);
});
