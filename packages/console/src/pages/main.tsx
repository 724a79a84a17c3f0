import { render } from 'preact';
import { App } from './app.tsx';
import { forget } from './lib/ending.ts';
import { copyTrueText, escapeAllText } from './lib/escapes.tsx';

// Addresses of what was asked for have names in them: the browser keeps no list of them in the page.
performance.setResourceTimingBufferSize(0);
escapeAllText();
copyTrueText();

const root = document.getElementById('root');
if (root !== null) {
  render(<App />, root);
  // A browser may keep a page that is left, and show it again to whoever goes back: there is nothing in it then.
  addEventListener('pagehide', ({ persisted }) => {
    if (!persisted) return;
    render(null, root);
    forget();
  });
  addEventListener('pageshow', ({ persisted }) => {
    if (persisted) location.reload();
  });
}
