import { expect, test } from 'vitest';
import type { Item } from '../../room/arrange';
import { question } from '../../test/questions';
import { follow, hold } from './holdOrder';

const item = (id: string, upvotes = 0, isMine = false): Item => ({
  key: id,
  question: question(id, { upvotes, isMine }),
  ask: null,
});
const keys = (list: { items: readonly { key: string }[] }) => list.items.map((it) => it.key);
const nowhere = () => null;

test('free, the list follows', () => {
  expect(follow([item('b'), item('a')])).toMatchObject({
    waiting: 0,
    items: [{ key: 'b' }, { key: 'a' }],
  });
});

test('held, the order stays and the numbers move', () => {
  const list = hold([item('a'), item('b')], [item('b', 9), item('a', 1)], nowhere);
  expect(list.items.map(({ key, question: { upvotes } }) => [key, upvotes])).toEqual([
    ['a', 1],
    ['b', 9],
  ]);
});

test('held, new questions wait and are counted', () => {
  const list = hold([item('a')], [item('x'), item('a'), item('y')], nowhere);
  expect(keys(list)).toEqual(['a']);
  expect(list.waiting).toBe(2);
});

test('held, the own new question comes all the same', () => {
  const list = hold([item('a')], [item('mine', 0, true), item('a')], nowhere);
  expect(keys(list)).toEqual(['mine', 'a']);
  expect(list.waiting).toBe(0);
});

test('held, what is removed keeps its place, and what only left the view stays as it is now', () => {
  const answered = question('b', { status: 'ANSWERED' });
  const list = hold([item('a'), item('b')], [], (it) =>
    it.key === 'b' ? { ...it, question: answered } : null,
  );
  expect(list.items).toMatchObject([
    { key: 'a', gone: true },
    { key: 'b', gone: false, question: { status: 'ANSWERED' } },
  ]);
});
