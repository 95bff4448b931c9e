import { expect, test } from 'vitest';
import { covers, formatPosition, parsePosition } from './position';

test('a position survives the way to text and back', () => {
  for (const text of ['7f3a.1042', 'a.0', 'a-b_c.d.7']) {
    const position = parsePosition(text);
    expect(position && formatPosition(position)).toBe(text);
  }
});

test('what is no position is nothing', () => {
  for (const text of ['', 'abc', '.5', 'a.', 'a.-1', 'a.1 ', 'ä.1', null, undefined]) {
    expect(parsePosition(text)).toBeNull();
  }
});

test('positions compare within one epoch only', () => {
  const at5 = { epoch: 'a', seq: 5 };
  expect(covers(at5, { epoch: 'a', seq: 5 })).toBe(true);
  expect(covers(at5, { epoch: 'a', seq: 4 })).toBe(true);
  expect(covers(at5, { epoch: 'a', seq: 6 })).toBe(false);
  expect(covers(at5, { epoch: 'b', seq: 1 })).toBe(false);
  expect(covers(null, at5)).toBe(false);
  expect(covers(at5, null)).toBe(false);
});
