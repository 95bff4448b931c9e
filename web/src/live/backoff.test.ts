import { expect, test } from 'vitest';
import { afterGoodbye, backoff } from './backoff';

test('waits 1, 2, 4, 8, then 10 s', () => {
  const waits = [1, 2, 3, 4, 5, 6, 60].map((failures) => backoff(failures, () => 0.5));
  expect(waits).toEqual([1000, 2000, 4000, 8000, 10_000, 10_000, 10_000]);
});

test('spreads by a quarter either way', () => {
  expect(backoff(1, () => 0)).toBe(750);
  expect(backoff(1, () => 1)).toBe(1250);
});

test('comes back within 1 to 4 s after a goodbye', () => {
  expect(afterGoodbye(() => 0)).toBe(1000);
  expect(afterGoodbye(() => 1)).toBe(4000);
});
