import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { ApiError, type Api } from '../api';
import { deferred, fakeApi, liveRoom, type FakeRoom } from '../test/fakeRoom';
import { question } from '../test/questions';
import type { Question } from '../wire';
import { addAsk, dropAsk, nothingPending, updateAsk, type Ask, type Pending } from './pending';
import { createStore, type Store } from './store';
import { createUncertain } from './uncertain';

const lost = new ApiError(0, 'timeout', 'No answer', 'Try again.');
const busy = new ApiError(503, 'unavailable', 'Unavailable', 'Wait.');
const gone = new ApiError(404, 'not_found', 'Not found', 'It was removed.');

const unconfirmed: Ask = {
  key: 'k',
  body: 'Why?',
  teamId: null,
  askedAt: '2026-01-01T00:00:00Z',
  before: new Set(['old']),
  questionId: null,
  error: lost,
  isUncertain: true,
};

let room: FakeRoom;
let pending: Store<Pending>;
const look = vi.fn<Api['question']>();

beforeEach(() => {
  vi.useFakeTimers();
  room = liveRoom([question('a', { upvotes: 5 }), question('old', { body: 'Why?' })]);
  pending = createStore<Pending>(addAsk(nothingPending, unconfirmed));
  look.mockReset();
});
afterEach(() => void vi.useRealTimers());

const uncertain = () =>
  createUncertain({ api: fakeApi({ question: look }), client: room.client, pending });
const pass = (ms: number) => vi.advanceTimersByTimeAsync(ms);
const ask = () => pending.get().asks[0];

function echo(id: string, seq: number) {
  const { createdAt } = question(id);
  const data = { body: 'Why?', upvotes: 0, status: 'OPEN', teamId: null, createdAt };
  room.world.newest.say('question:created', { ...data, questionId: id }, `e.${seq}`);
}

function reconnect() {
  room.world.pass(1000);
  room.world.newest.say('connected', undefined, 'e.10');
}

/** Whether a promise has been kept by now. */
function isDone(promise: Promise<void>): () => boolean {
  let done = false;
  void promise.then(() => (done = true));
  return () => done;
}

describe('a vote', () => {
  test('that the count does not contradict is read once', async () => {
    look.mockResolvedValue(question('a', { upvotes: 5 }));
    const done = isDone(uncertain().vote('a'));
    await pass(4999);
    expect(done()).toBe(false);
    await pass(1);
    expect(done()).toBe(true);
    expect(look.mock.calls).toEqual([['a']]);
  });

  test('is read again 5 seconds after a look that failed', async () => {
    look.mockRejectedValueOnce(busy).mockResolvedValue(question('a', { hasUpvoted: true }));
    void uncertain().vote('a');
    await pass(4999);
    expect(look).toHaveBeenCalledTimes(1);
    await pass(1);
    expect(look).toHaveBeenCalledTimes(2);
    expect(room.client.getSnapshot().room.questions.get('a')?.hasUpvoted).toBe(true);
  });

  test('on a question that is gone is read no more', async () => {
    look.mockRejectedValue(gone);
    const done = isDone(uncertain().vote('a'));
    await pass(60_000);
    expect(done()).toBe(true);
    expect(look).toHaveBeenCalledTimes(1);
  });

  test('does not hide a mistake in the program', async () => {
    const mistake = new TypeError('x is undefined');
    look.mockRejectedValue(mistake);
    await expect(uncertain().vote('a')).rejects.toBe(mistake);
  });
});

describe('a question', () => {
  test('that was there before is not looked at', async () => {
    const done = isDone(uncertain().ask('k'));
    await pass(4999);
    expect(done()).toBe(false);
    await pass(1);
    expect(done()).toBe(true);
    expect(ask()).toEqual({ ...unconfirmed, isUncertain: false });
    expect(look).not.toHaveBeenCalled();
    expect(vi.getTimerCount()).toBe(0);
  });

  test('that is this person’s has been found', async () => {
    look.mockResolvedValue(question('q', { body: 'Why?', isMine: true }));
    const done = isDone(uncertain().ask('k'));
    await pass(1000);
    echo('q', 11);
    await pass(0);
    expect(done()).toBe(true);
    expect(ask()).toEqual({ ...unconfirmed, questionId: 'q', error: null, isUncertain: false });
    expect(vi.getTimerCount()).toBe(0);
  });

  test('that is gone again, or somebody else’s, is not it, and the next one is', async () => {
    look
      .mockRejectedValueOnce(gone)
      .mockResolvedValueOnce(question('theirs', { body: 'Why?' }))
      .mockResolvedValueOnce(question('mine', { body: 'Why?', isMine: true }));
    void uncertain().ask('k');
    for (const [index, id] of ['gone', 'theirs', 'mine'].entries()) {
      await pass(4999);
      expect(ask()?.isUncertain).toBe(true);
      echo(id, 11 + index);
    }
    await pass(0);
    expect(look.mock.calls).toEqual([['gone'], ['theirs'], ['mine']]);
    expect(ask()).toMatchObject({
      questionId: 'mine',
      before: new Set(['old', 'gone', 'theirs']),
    });
  });

  test('is waited for anew after the stream was lost', async () => {
    void uncertain().ask('k');
    await pass(4999);
    room.world.newest.break();
    await pass(60_000);
    expect(ask()?.isUncertain).toBe(true);
    reconnect();
    await pass(4999);
    expect(ask()?.isUncertain).toBe(true);
    await pass(1);
    expect(ask()?.isUncertain).toBe(false);
  });

  test.each(['live', 'lost'])(
    'discarded while the stream is %s is waited for no more',
    async (how) => {
      if (how === 'lost') room.world.newest.break();
      const done = isDone(uncertain().ask('k'));
      await pass(0);
      pending.update((it) => dropAsk(it, 'k'));
      await pass(0);
      expect(done()).toBe(true);
      expect(vi.getTimerCount()).toBe(0);
    },
  );

  test('discarded while it is looked at stays so', async () => {
    const answer = deferred<Question>();
    look.mockReturnValue(answer.promise);
    const done = isDone(uncertain().ask('k'));
    echo('q', 11);
    await pass(0);
    pending.update((it) => dropAsk(it, 'k'));
    answer.resolve(question('q', { body: 'Why?' }));
    await pass(0);
    expect(done()).toBe(true);
    expect(pending.get()).toEqual(nothingPending);
  });

  test('leaves nobody listening once it is over', async () => {
    const listeners = { client: new Set(), pending: new Set() };
    for (const [name, store] of Object.entries({ client: room.client, pending })) {
      const subscribe = store.subscribe.bind(store);
      const kept = listeners[name as keyof typeof listeners];
      store.subscribe = (listener) => {
        kept.add(listener);
        const stop = subscribe(listener);
        return () => {
          kept.delete(listener);
          stop();
        };
      };
    }
    void uncertain().ask('k');
    await pass(0);
    expect([listeners.client.size, listeners.pending.size]).toEqual([1, 1]);
    pending.update((it) => updateAsk(it, 'k', { error: null }));
    await pass(5000);
    expect([listeners.client.size, listeners.pending.size]).toEqual([0, 0]);
  });
});
