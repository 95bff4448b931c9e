import { describe, expect, test } from 'vitest';
import { question } from '../test/questions';
import {
  addAsk,
  addPatch,
  alike,
  arrived,
  dropAsk,
  dropPatch,
  isVotePending,
  nothingPending,
  patched,
  settleAsks,
  updateAsk,
  type Ask,
} from './pending';

const ask: Ask = {
  key: 'first',
  body: 'Why?',
  teamId: 'red',
  askedAt: '2026-01-01T10:00:00.000Z',
  before: new Set(),
  questionId: null,
  error: null,
  isUncertain: false,
};
const second: Ask = { ...ask, key: 'second' };
const both = addAsk(addAsk(nothingPending, ask), second);

function questions(...bodies: [id: string, body: string, teamId: string | null][]) {
  return new Map(bodies.map(([id, body, teamId]) => [id, question(id, { body, teamId })]));
}

describe('asks', () => {
  test('the newest is on top', () => {
    expect(both.asks).toEqual([second, ask]);
  });

  test('one changes or goes, and the others stay', () => {
    const changed = updateAsk(both, 'first', { isUncertain: true });
    expect(changed.asks).toEqual([second, { ...ask, isUncertain: true }]);
    expect(dropAsk(both, 'first').asks).toEqual([second]);
  });

  test('those that have arrived take their place, those that have not stay on top', () => {
    const answered = updateAsk(both, 'first', { questionId: 'q' });
    expect(settleAsks(answered).asks).toEqual([second]);
    expect(settleAsks(both)).toBe(both);
  });

  test('an ask is found by its text in its own team only', () => {
    const found = alike(
      ask,
      questions(
        ['a', 'Why?', 'red'],
        ['b', 'Why?', 'blue'],
        ['c', 'Why?', null],
        ['d', 'No', 'red'],
      ),
    );
    expect([...found]).toEqual(['a']);
    expect([...alike({ ...ask, teamId: null }, questions(['c', 'Why?', null]))]).toEqual(['c']);
  });

  test('white space makes no other question, and words do', () => {
    const asked = { ...ask, body: '  Why \n\t not? ' };
    const found = alike(asked, questions(['a', 'Why not?', 'red'], ['b', 'Whynot?', 'red']));
    expect([...found]).toEqual(['a']);
  });

  test('a letter and its accent are the letter with the accent', () => {
    const asked = { ...ask, body: 'Cafe\u0301?' };
    expect([...alike(asked, questions(['a', 'Caf\u00e9?', 'red']))]).toEqual(['a']);
  });

  test('the server’s answer counts more than the text', () => {
    const room = questions(['a', 'Why?', 'red'], ['b', 'Something else', null]);
    expect(arrived(ask, room)?.id).toBe('a');
    expect(arrived({ ...ask, questionId: 'b' }, room)?.id).toBe('b');
    expect(arrived({ ...ask, questionId: 'gone' }, room)).toBeNull();
    expect(arrived({ ...ask, before: new Set(['a']) }, room)).toBeNull();
  });
});

describe('patches', () => {
  const vote = { questionId: 'a', change: { hasUpvoted: true, upvotes: 1 } };
  const pin = { questionId: 'a', change: { isPinned: true } };
  const removal = { questionId: 'a', change: 'removed' as const };

  test('lie one over the other on their question only', () => {
    const pending = addPatch(addPatch(nothingPending, vote), pin);
    const seen = question('a', { hasUpvoted: true, upvotes: 1, isPinned: true });
    expect(patched(pending, question('a'))).toEqual(seen);
    expect(patched(pending, question('b'))).toEqual(question('b'));
    expect(patched(dropPatch(pending, vote), question('a'))?.upvotes).toBe(0);
    expect(patched(dropPatch(pending, vote), question('a'))?.isPinned).toBe(true);
    expect(patched(addPatch(pending, removal), question('a'))).toBeNull();
  });

  test('a vote is pending while a patch of it lies on the question', () => {
    expect(isVotePending(addPatch(nothingPending, vote), 'a')).toBe(true);
    expect(isVotePending(addPatch(nothingPending, vote), 'b')).toBe(false);
    expect(isVotePending(addPatch(nothingPending, pin), 'a')).toBe(false);
    expect(isVotePending(addPatch(nothingPending, removal), 'a')).toBe(false);
  });
});
