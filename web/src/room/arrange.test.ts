import { expect, test } from 'vitest';
import orders from '../../../tests/orders.json';
import { apply, emptyRoom, type RoomState } from '../live/reducer';
import { question } from '../test/questions';
import type { Question } from '../wire';
import { arrange, counts } from './arrange';
import {
  addAsk,
  addPatch,
  alike,
  nothingPending,
  settleAsks,
  updateAsk,
  type Ask,
} from './pending';

function room(...questions: Question[]): RoomState {
  const data = { questions, tags: [], teams: [] };
  return apply(emptyRoom, { type: 'snapshot', data, position: { epoch: 'e', seq: 1 } });
}

const ids = (items: { question: Question }[]) => items.map((item) => item.question.id);
const minute = (n: number) => `2026-01-01T10:0${n}:00.000Z`;

const some = room(
  question('old', { upvotes: 2, createdAt: minute(1) }),
  question('new', { upvotes: 2, createdAt: minute(5) }),
  question('top', { upvotes: 9, createdAt: minute(2) }),
  question('pinned', { isPinned: true, createdAt: minute(0) }),
  question('done', { status: 'ANSWERED', respondedAt: minute(7), upvotes: 99 }),
  question('done-later', { status: 'ANSWERED', respondedAt: minute(8), isMine: true }),
);

test.each(['popular', 'recent'] as const)('%s: the order of the server’s lists', (view) => {
  const given = orders.questions.map(({ id, ...more }) => question(id, more));
  expect(ids(arrange(room(...given), nothingPending, view))).toEqual(orders[view]);
});

test('answered: the latest answer first', () => {
  expect(ids(arrange(some, nothingPending, 'answered'))).toEqual(['done-later', 'done']);
});

test('answered: of two answers at the same moment that to the newer question first, and mine by questions', () => {
  const answered = (id: string, minutes: number) =>
    question(id, { status: 'ANSWERED', respondedAt: minute(minutes), isMine: true });
  const state = room(answered('1', 5), answered('2', 3), answered('3', 7), answered('4', 5));
  expect(ids(arrange(state, nothingPending, 'answered'))).toEqual(['3', '4', '1', '2']);
  expect(ids(arrange(state, nothingPending, 'mine'))).toEqual(['4', '3', '2', '1']);
});

test('mine: whatever became of it', () => {
  expect(ids(arrange(some, nothingPending, 'mine'))).toEqual(['done-later']);
});

test('counts what each view holds', () => {
  expect(counts(some, nothingPending)).toEqual({ popular: 4, recent: 4, answered: 2, mine: 1 });
});

test('unconfirmed changes lie over the truth', () => {
  const pending = addPatch(addPatch(nothingPending, { questionId: 'top', change: 'removed' }), {
    questionId: 'new',
    change: { upvotes: 3 },
  });
  expect(ids(arrange(some, pending, 'popular'))).toEqual(['pinned', 'new', 'old']);
});

const ask: Ask = {
  key: 'asked-1',
  body: 'Why  not?',
  teamId: null,
  askedAt: minute(9),
  before: new Set(),
  questionId: null,
  error: null,
  isUncertain: false,
};

test('what was just asked is on top, and is one card before, during and after its arrival', () => {
  const asking = addAsk(nothingPending, ask);
  const echoed = room(...some.questions.values(), question('q', { body: 'Why not?' }));
  const answered = updateAsk(asking, 'asked-1', { questionId: 'q' });
  for (const [state, pending] of [
    [some, asking],
    [echoed, asking],
    [echoed, answered],
  ] as const) {
    const items = arrange(state, pending, 'popular');
    expect(items[0]?.key).toBe('asked-1');
    expect(items).toHaveLength(5);
  }
});

test('what was just asked is an open question of one’s own, in every view but Answered', () => {
  const pending = addAsk(nothingPending, { ...ask, teamId: 'red' });
  const card = { key: 'asked-1', ask: pending.asks[0] };
  const { body, askedAt } = ask;
  for (const view of ['popular', 'recent', 'mine'] as const) {
    expect(arrange(some, pending, view)[0]).toEqual({
      ...card,
      question: question('asked-1', {
        ...{ body, teamId: 'red', createdAt: askedAt, updatedAt: askedAt, isMine: true },
      }),
    });
  }
  expect(ids(arrange(some, pending, 'answered'))).toEqual(['done-later', 'done']);
});

test('two asks of one text that have become one question are one card', () => {
  const twice = addAsk(addAsk(nothingPending, ask), { ...ask, key: 'asked-2' });
  const echoed = room(question('q', { body: 'Why not?' }));
  expect(arrange(echoed, twice, 'popular').map(({ key }) => key)).toEqual(['asked-2']);
});

test('a question that is being removed counts nowhere', () => {
  const pending = addPatch(nothingPending, { questionId: 'done-later', change: 'removed' });
  expect(counts(some, pending)).toEqual({ popular: 4, recent: 4, answered: 1, mine: 0 });
});

test('the same text from before is somebody else’s question', () => {
  const before = room(question('theirs', { body: 'Why not?' }));
  const pending = addAsk(nothingPending, { ...ask, before: alike(ask, before.questions) });
  expect(arrange(before, pending, 'popular')).toHaveLength(2);
});

test('once looked away from, it takes its place', () => {
  const pending = settleAsks(
    updateAsk(addAsk(nothingPending, ask), 'asked-1', { questionId: 'new' }),
  );
  expect(ids(arrange(some, pending, 'popular'))).toEqual(['pinned', 'top', 'new', 'old']);
});

test('an own question that has arrived and is being removed is gone', () => {
  const asked = updateAsk(addAsk(nothingPending, ask), 'asked-1', { questionId: 'new' });
  const pending = addPatch(asked, { questionId: 'new', change: 'removed' });
  expect(ids(arrange(some, pending, 'popular'))).toEqual(['pinned', 'top', 'old']);
});

test('an own question that was removed meanwhile is gone', () => {
  const pending = updateAsk(addAsk(nothingPending, ask), 'asked-1', { questionId: 'q' });
  expect(arrange(some, pending, 'popular')).toHaveLength(4);
});
