import { cleanup } from '@testing-library/react';
import { afterEach } from 'vitest';

afterEach(() => cleanup());

// jsdom has no media queries and no animations: a fine pointer, and nothing moves.
window.matchMedia = (query: string) =>
  ({
    matches: query.includes('pointer: fine') || query.includes('reduce'),
    media: query,
    addEventListener: () => {},
    removeEventListener: () => {},
  }) as unknown as MediaQueryList;
window.scrollTo = () => {};
