import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import orders from '../../../tests/orders.json';
import { ApiError, type Api } from '../api';
import { deferred, fakeApi, liveRoom, type FakeRoom } from '../test/fakeRoom';
import { question } from '../test/questions';
import type { Question, TagRef } from '../wire';
import { createActions } from './actions';
import { arrange } from './arrange';
import { addAsk, nothingPending, type Ask, type Pending } from './pending';
import { createStore, type Store } from './store';
import { arrivalLimit } from './uncertain';

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

describe('taking a vote back', () => {
  beforeEach(() => {
    room = liveRoom([voted]);
  });

  test('of one that was gone already is no problem', async () => {
    const actions = actionsWith({
      vote: () => Promise.reject(conflict('not_upvoted')),
      question: () => Promise.resolve(question('a', { upvotes: 5 })),
    });
    await actions.vote('a', false);
    expect(onProblem).not.toHaveBeenCalled();
    expect(seen('a')).toMatchObject({ hasUpvoted: false });
  });

  test.each([
    [true, 'not_upvoted'],
    [false, 'already_upvoted'],
  ])('wanting %s, the answer %s is a refusal', async (want, code) => {
    room = liveRoom([question('a', { hasUpvoted: !want, upvotes: 5 })]);
    await actionsWith({ vote: () => Promise.reject(conflict(code)) }).vote('a', want);
    expect(onProblem.mock.calls.map(([what]) => what)).toEqual([
      want ? 'Your vote was not counted' : 'Your vote is still there',
    ]);
    expect(seen('a')?.hasUpvoted).toBe(!want);
  });

  test('what is so already is not sent, and what is no more there is not either', async () => {
    const vote = vi.fn<Api['vote']>();
    const shown = vi.fn();
    const actions = actionsWith({ vote, pin: () => new Promise(() => {}) });
    void actions.pin('a', true);
    pending.subscribe(shown);
    await actions.vote('a', true);
    await actions.vote('gone', true);
    expect(vote).not.toHaveBeenCalled();
    expect(shown).not.toHaveBeenCalled();
  });

  test('a second vote after the first has settled is sent as well', async () => {
    const vote = vi.fn<Api['vote']>((_id, on) =>
      Promise.resolve({
        value: question('a', { upvotes: on ? 6 : 5, hasUpvoted: on }),
        position: on ? 'e.12' : 'e.11',
      }),
    );
    const actions = actionsWith({ vote });
    await actions.vote('a', false);
    await actions.vote('a', true);
    expect(vote.mock.calls).toEqual([
      ['a', false],
      ['a', true],
    ]);
    expect(pending.get().patches).toEqual([]);
    expect(seen('a')).toEqual(voted);
  });
});

test('a mistake of ours is said and goes to the console', async () => {
  const log = vi.spyOn(console, 'error').mockImplementation(() => {});
  const mistake = new TypeError('x is undefined');
  await actionsWith({ pin: () => Promise.reject(mistake) }).pin('a', true);
  expect(log).toHaveBeenCalledExactlyOnceWith(mistake);
  expect(onProblem.mock.calls[0]?.[1]).toMatchObject({
    status: 0,
    code: 'unexpected',
    error: 'Something went wrong',
    detail: 'Reload the page and try again.',
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

  test('keeps what was refused, to send again or to discard', async () => {
    const busy = new ApiError(429, 'too_many_requests', 'Too many requests', 'Wait.');
    const ask = vi
      .fn<Api['ask']>()
      .mockRejectedValueOnce(busy)
      .mockResolvedValueOnce({ value: question('q', { body: 'Why?' }), position: 'e.11' });
    const actions = actionsWith({ ask });
    actions.ask('Why?', 'team');
    expect(items()[0]?.ask?.isUncertain).toBe(false);
    await vi.waitFor(() => expect(items()[0]?.ask?.error).toBe(busy));
    actions.askAgain('asked-1');
    expect(items()[0]?.ask?.error).toBeNull();
    await vi.waitFor(() => expect(items()[0]?.question.id).toBe('q'));
    expect(ask).toHaveBeenLastCalledWith('Why?', 'team');
    actions.discardAsk('asked-1');
    expect(pending.get().asks).toEqual([]);
    actions.askAgain('asked-1');
    expect(ask).toHaveBeenCalledTimes(2);
  });

  test('after a reload, of the unsent only what may have arrived is looked for', async () => {
    const look = vi.fn((id: string) => Promise.resolve(question(id, { body: id, isMine: true })));
    const kept = (body: string, isUncertain: boolean): Ask => ({
      ...{ key: body, body, teamId: null, askedAt: '', before: new Set<string>() },
      ...{ questionId: null, error: conflict('busy'), isUncertain },
    });
    room = liveRoom([question('lost', { body: 'lost' }), question('refused', { body: 'refused' })]);
    pending.update((it) => addAsk(addAsk(it, kept('lost', true)), kept('refused', false)));
    actionsWith({ question: look }).findUnsent();
    await vi.waitFor(() => expect(pending.get().asks[1]?.questionId).toBe('lost'));
    expect(look.mock.calls).toEqual([['lost']]);
  });
});

describe('without an answer', () => {
  const lost = new ApiError(0, 'timeout', 'No answer', 'Try again.');
  const flush = () => vi.advanceTimersByTimeAsync(0);

  beforeEach(() => void vi.useFakeTimers());
  afterEach(() => void vi.useRealTimers());

  function echo(id: string, seq: number) {
    const { createdAt } = question(id);
    const data = { body: 'Why?', upvotes: 0, status: 'OPEN', teamId: null, createdAt };
    room.world.newest.say('question:created', { ...data, questionId: id }, `e.${seq}`);
  }

  function askInVain(api: Partial<Api> = {}) {
    const ask = vi.fn<Api['ask']>(() => Promise.reject(lost));
    const actions = actionsWith({ ask, ...api });
    actions.ask('Why?', null);
    return { ask, actions };
  }

  test('a question is not sent again while it may have arrived', async () => {
    room.world.newest.break();
    const { ask, actions } = askInVain();
    await flush();
    expect(items()[0]?.ask).toMatchObject({ error: lost, isUncertain: true });
    actions.askAgain('asked-1');
    await vi.advanceTimersByTimeAsync(60_000);
    expect(ask).toHaveBeenCalledOnce();
    expect(items()[0]?.ask?.isUncertain).toBe(true);
  });

  test('it is found when the stream has it, and known as one’s own', async () => {
    askInVain({ question: (id) => Promise.resolve(question(id, { body: 'Why?', isMine: true })) });
    await flush();
    echo('q', 11);
    await flush();
    expect(items()).toHaveLength(2);
    expect(items()[0]).toMatchObject({ key: 'asked-1', ask: null, question: { isMine: true } });
    expect(pending.get().asks[0]).toMatchObject({ questionId: 'q', error: null });
  });

  test('somebody else’s with the same text is not taken for it', async () => {
    const { ask } = askInVain({
      question: (id) => Promise.resolve(question(id, { body: 'Why?' })),
    });
    await flush();
    echo('theirs', 11);
    await vi.advanceTimersByTimeAsync(arrivalLimit);
    expect(items().map((item) => item.question.id)).toEqual(['asked-1', 'a', 'theirs']);
    expect(items()[0]?.ask).toMatchObject({ error: lost, isUncertain: false });
    expect(ask).toHaveBeenCalledOnce();
  });

  test('it can be sent again once a live stream does not have it', async () => {
    room.world.newest.break();
    const { ask, actions } = askInVain();
    await vi.advanceTimersByTimeAsync(20_000);
    room.world.pass(1000);
    room.world.newest.say('connected', undefined, 'e.10');
    await vi.advanceTimersByTimeAsync(arrivalLimit - 1);
    expect(items()[0]?.ask?.isUncertain).toBe(true);
    await vi.advanceTimersByTimeAsync(1);
    expect(items()[0]?.ask).toMatchObject({ error: lost, isUncertain: false });
    actions.askAgain('asked-1');
    expect(ask).toHaveBeenCalledTimes(2);
  });

  test('a discarded one is looked for no more', async () => {
    const { actions } = askInVain();
    await flush();
    actions.discardAsk('asked-1');
    await flush();
    expect(vi.getTimerCount()).toBe(0);
  });

  test('a vote is taken back, and read again when the stream is live', async () => {
    room.world.newest.break();
    const read = vi.fn(() => Promise.resolve(question('a', { hasUpvoted: true })));
    const actions = actionsWith({ vote: () => Promise.reject(lost), question: read });
    await actions.vote('a', true);
    expect(onProblem).toHaveBeenCalledWith('Your vote is not confirmed', lost);
    expect(seen('a')).toMatchObject({ upvotes: 5, hasUpvoted: false });
    await vi.advanceTimersByTimeAsync(60_000);
    expect(read).not.toHaveBeenCalled();
    room.world.pass(1000);
    room.world.newest.say('connected', undefined, 'e.10');
    room.world.newest.say('question:upvoted', { questionId: 'a', upvotes: 6 }, 'e.11');
    await flush();
    expect(seen('a')).toMatchObject({ upvotes: 6, hasUpvoted: true });
  });

  test.each(['after', 'before'])(
    'a vote that is counted then, and seen %s the answer to the look, is found as well',
    async (when) => {
      const first = deferred<Question>();
      const read = vi
        .fn<Api['question']>()
        .mockReturnValueOnce(first.promise)
        .mockResolvedValue(question('a', { upvotes: 6, hasUpvoted: true }));
      const actions = actionsWith({ vote: () => Promise.reject(lost), question: read });
      const count = () =>
        room.world.newest.say('question:upvoted', { questionId: 'a', upvotes: 6 }, 'e.11');
      await actions.vote('a', true);
      if (when === 'before') count();
      first.resolve(question('a', { upvotes: 5 }));
      await flush();
      expect(seen('a')).toMatchObject({ hasUpvoted: false });
      if (when === 'after') count();
      await vi.advanceTimersByTimeAsync(arrivalLimit);
      expect(seen('a')).toMatchObject({ upvotes: 6, hasUpvoted: true });
      expect(read).toHaveBeenCalledTimes(2);
    },
  );
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

  test('names the action whose answer was lost', async () => {
    const lost = () => Promise.reject(new ApiError(0, 'timeout', 'No answer', 'Try again.'));
    const api = { pin: lost, freeze: lost, answer: lost, tag: lost, createTag: lost, remove: lost };
    const actions = actionsWith(api);
    await actions.pin('a', true);
    await actions.pin('a', false);
    await actions.freeze('a', true);
    await actions.freeze('a', false);
    await actions.answer('a', 'Because.');
    await actions.tag(question('a'), { id: 't', name: 'Pay', color: '#3B82F6' }, true);
    await actions.createTag(question('a'), 'Pay');
    await actions.remove('a');
    expect(onProblem.mock.calls.map(([what]) => what)).toEqual([
      'The pin is not confirmed',
      'The removal of the pin is not confirmed',
      'The freeze is not confirmed',
      'The end of the freeze is not confirmed',
      'The answer is not confirmed',
      'The change of tags is not confirmed',
      'The new tag is not confirmed',
      'The removal is not confirmed',
    ]);
  });

  test('says what was refused', async () => {
    const no = () => Promise.reject(conflict('conflict'));
    const actions = actionsWith({
      ...{ pin: no, freeze: no, answer: no, tag: no, createTag: no, remove: no },
    });
    const done = [
      await actions.pin('a', true),
      await actions.pin('a', false),
      await actions.freeze('a', true),
      await actions.freeze('a', false),
      await actions.answer('a', 'Because.'),
      await actions.tag(question('a'), { id: 't', name: 'Pay', color: '#3B82F6' }, true),
      await actions.createTag(question('a'), 'Pay'),
    ];
    await actions.remove('a');
    expect(done).toEqual(Array(7).fill(false));
    expect(onProblem.mock.calls.map(([what]) => what)).toEqual([
      'Not pinned',
      'Still pinned',
      'Not frozen',
      'Still frozen',
      'The answer was not saved',
      'The tags were not changed',
      'The tag was not created',
      'The question is still there',
    ]);
  });

  test('a new tag is made and put on, and taken off again', async () => {
    const made = { id: 't', name: 'Pay', color: '#3B82F6' };
    const tag = vi.fn<Api['tag']>((_id, _tag, on) =>
      Promise.resolve({
        value: question('a', { tags: on ? [made] : [] }),
        position: on ? 'e.12' : 'e.13',
      }),
    );
    const actions = actionsWith({
      createTag: () => Promise.resolve({ value: made, position: 'e.11' }),
      tag,
    });
    expect(await actions.createTag(question('a'), 'Pay')).toBe(true);
    expect(seen('a')?.tags).toEqual([made]);
    const done = actions.tag(question('a', { tags: [made] }), made, false);
    expect(seen('a')?.tags).toEqual([]);
    expect(await done).toBe(true);
    expect(tag.mock.calls).toEqual([
      ['a', 't', true],
      ['a', 't', false],
    ]);
  });

  test('a removed question stays away when the server has removed it', async () => {
    await actionsWith({
      remove: () => Promise.resolve({ value: undefined, position: 'e.11' }),
    }).remove('a');
    expect(seen('a')).toBeUndefined();
    expect(pending.get().patches).toEqual([]);
  });

  test('a question’s tags are in the order of the room’s list at once', async () => {
    const tags = orders.names.map((name, index) => ({ id: `t${index}`, name, color: '#3B82F6' }));
    const withTags = (names: TagRef[]) => question('a', { tags: names });
    const [first, ...rest] = tags as [TagRef, ...TagRef[]];
    room = liveRoom([withTags(rest)], [], tags.slice(0, -1));
    const answer = deferred<Answer>();
    const done = actionsWith({ tag: () => answer.promise }).tag(withTags(rest), first, true);
    expect(seen('a')?.tags.map((tag) => tag.name)).toEqual(orders.names);
    answer.resolve({ value: withTags(tags), position: 'e.11' });
    await done;
    expect(await actionsWith({ tag: () => answer.promise }).tag(withTags(tags), first, false)).toBe(
      true,
    );
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
