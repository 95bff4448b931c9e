import { expect, test } from 'vitest';
import texts from '../../../../tests/texts.json';
import { fold } from './fold';

test.each([
  ['café', 'CAFE\u0301'],
  ['İstanbul', 'ISTANBUL'],
  ['Đà Nẵng', 'đa nang'],
  ['Ёлка', 'елка'],
  ['ＡＢＣ', 'abc'],
  ['が', 'か\u3099'],
  ['한국', '한국'],
])('%s and %s are one name', (a, b) => {
  expect(fold(a)).toBe(fold(b));
});

test.each(texts.differentNames as [string, string][])('%s and %s are two names', (a, b) => {
  expect(fold(a)).not.toBe(fold(b));
});
