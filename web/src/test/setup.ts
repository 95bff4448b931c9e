import { cleanup, configure } from '@testing-library/react';
import { afterEach } from 'vitest';

afterEach(() => {
  cleanup();
  sessionStorage.clear();
});

// A failure says what it looked for; the whole page would bury that.
configure({
  getElementError: (message) => new Error(message ?? 'one of several'),
  // A busy machine may take long to load a part of the page.
  asyncUtilTimeout: 20_000,
});

// jsdom has no media queries and no animations: a fine pointer, and nothing moves.
window.matchMedia = (query: string) =>
  ({
    matches: query.includes('pointer: fine') || query.includes('reduce'),
    media: query,
    addEventListener: () => {},
    removeEventListener: () => {},
  }) as unknown as MediaQueryList;
window.scrollTo = () => {};
HTMLCanvasElement.prototype.getContext = () => null;
