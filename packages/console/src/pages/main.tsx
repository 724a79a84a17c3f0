import { render } from 'preact';
import { App } from './app.tsx';
import './lib/theme.ts';
import './styles/base.css';
import './styles/parts.css';
import './styles/views.css';

const root = document.getElementById('root');
if (root !== null) render(<App />, root);
