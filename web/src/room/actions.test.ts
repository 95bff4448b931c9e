import { beforeEach, describe, expect, test, vi } from 'vitest';
import { ApiError, type Api } from '../api';
import { deferred, fakeApi, liveRoom, type FakeRoom } from '../test/fakeRoom';
import { question } from '../test/questions';
import type { Question } from '../wire';
import { createActions } from './actions';
import { arrange } from './arrange';
import { nothingPending, type Pending } from './pending';
import { createStore, type Store } from './store';

interface Answer {
  value: Question;
  position: string | null;
}

let room: FakeRoom;
let pending: Store<Pending>;
const onProblem = vi.fn<(what: string, error: ApiError) => void>();

beforeEach(() => {
  room = liveRoom([question('a', { upvotes: 5 })]);
  pending = createStore(nothingPending);
  onProblem.mockReset();
});

function actionsWith(api: Partial<Api>) {
  return createActions({ api: fakeApi(api), client: room.client, pending, onProblem });
}

const items = () => arrange(room.client.getSnapshot().room, pending.get(), 'popular');
const seen = (id: string) => items().find((item) => item.question.id === id)?.question;
const conflict = (code: string) => new ApiError(409, code, 'No', 'It is so.');
const voted = question('a', { upvotes: 6, hasUpvoted: true });

describe('voting', () => {
  test('shows at once and counts once, whichever of echo and answer comes first', async () => {
    const answer = deferred<Answer>();
    const done = actionsWith({ vote: () => answer.promise }).vote('a', true);
    expect(seen('a')).toEqual(voted);
    room.world.newest.say('question:upvoted', { questionId: 'a', upvotes: 6 }, 'e.11');
    expect(seen('a')).toEqual(voted);
    answer.resolve({ value: voted, position: 'e.11' });
    await done;
    expect(seen('a')).toEqual(voted);
    expect(pending.get().patches).toEqual([]);
  });

  test('is taken back when the server says no', async () => {
    const answer = deferred<Answer>();
    const done = actionsWith({ vote: () => answer.promise }).vote('a', true);
    answer.reject(conflict('question_frozen'));
    await done;
    expect(seen('a')).toEqual(question('a', { upvotes: 5 }));
    expect(onProblem.mock.calls[0]?.[1].code).toBe('question_frozen');
  });

  test('somebody who changes their mind gets what they wanted last, one request at a time', async () => {
    const sent: boolean[] = [];
    const first = deferred<Answer>();
    const vote = vi.fn((_id: string, on: boolean) => {
      sent.push(on);
      if (sent.length === 1) return first.promise;
      return Promise.resolve({ value: question('a', { upvotes: 5 }), position: 'e.12' });
    });
    const actions = actionsWith({ vote });
    const done = actions.vote('a', true);
    await actions.vote('a', false);
    await actions.vote('a', true);
    await actions.vote('a', false);
    expect(seen('a')).toMatchObject({ upvotes: 5, hasUpvoted: false });
    first.resolve({ value: voted, position: 'e.11' });
    await done;
    expect(sent).toEqual([true, false]);
    expect(seen('a')).toMatchObject({ upvotes: 5, hasUpvoted: false });
    expect(pending.get().patches).toEqual([]);
  });

  test('a vote that was there already is no problem', async () => {
    const actions = actionsWith({
      vote: () => Promise.reject(conflict('already_upvoted')),
      question: () => Promise.resolve(question('a', { upvotes: 5, hasUpvoted: true })),
    });
    await actions.vote('a', true);
    expect(onProblem).not.toHaveBeenCalled();
    expect(seen('a')).toMatchObject({ upvotes: 5, hasUpvoted: true });
  });
});

describe('asking', () => {
  test('shows at once, and is one card when echo and answer have come', async () => {
    const answer = deferred<Answer>();
    const actions = actionsWith({ ask: () => answer.promise });
    actions.ask('Why?', null);
    expect(items()[0]?.question.body).toBe('Why?');
    const { body, createdAt } = question('q', { body: 'Why?' });
    room.world.newest.say(
      'question:created',
      { questionId: 'q', body, upvotes: 0, status: 'OPEN', teamId: null, createdAt },
      'e.11',
    );
    expect(items()).toHaveLength(2);
    answer.resolve({ value: question('q', { body: 'Why?', isMine: true }), position: 'e.11' });
    await answer.promise;
    await Promise.resolve();
    expect(items()).toHaveLength(2);
    expect(items()[0]?.question).toMatchObject({ id: 'q', isMine: true });
  });

  test('keeps what could not be sent, to try again or to discard', async () => {
    const offline = new ApiError(0, 'network', 'No connection', 'Try again.');
    const ask = vi
      .fn<Api['ask']>()
      .mockRejectedValueOnce(offline)
      .mockResolvedValueOnce({ value: question('q', { body: 'Why?' }), position: 'e.11' });
    const actions = actionsWith({ ask });
    actions.ask('Why?', 'team');
    await vi.waitFor(() => expect(items()[0]?.ask?.error).toBe(offline));
    actions.askAgain('asked-1');
    expect(items()[0]?.ask?.error).toBeNull();
    await vi.waitFor(() => expect(items()[0]?.question.id).toBe('q'));
    expect(ask).toHaveBeenLastCalledWith('Why?', 'team');
    actions.discardAsk('asked-1');
    expect(pending.get().asks).toEqual([]);
  });
});

describe('moderating', () => {
  test('pinning shows at once and is taken back on a no', async () => {
    const answer = deferred<Answer>();
    const done = actionsWith({ pin: () => answer.promise }).pin('a', true);
    expect(seen('a')?.isPinned).toBe(true);
    answer.reject(new ApiError(403, 'not_allowed', 'Not allowed', 'Sign in.'));
    expect(await done).toBe(false);
    expect(seen('a')?.isPinned).toBe(false);
    expect(onProblem).toHaveBeenCalledOnce();
  });

  test('a new tag is made and put on', async () => {
    const tag = { id: 't', name: 'Pay', color: '#3B82F6' };
    const actions = actionsWith({
      createTag: () => Promise.resolve({ value: tag, position: 'e.11' }),
      tag: () => Promise.resolve({ value: question('a', { tags: [tag] }), position: 'e.12' }),
    });
    expect(await actions.createTag(question('a'), 'Pay')).toBe(true);
    expect(seen('a')?.tags).toEqual([tag]);
  });

  test('a removed question is gone at once and comes back on a no', async () => {
    const answer = deferred<{ value: undefined; position: string | null }>();
    const done = actionsWith({ remove: () => answer.promise }).remove('a');
    expect(seen('a')).toBeUndefined();
    answer.reject(conflict('conflict'));
    await done;
    expect(seen('a')).toBeDefined();
  });
});
