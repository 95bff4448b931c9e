import { beforeEach, expect, test, vi } from 'vitest';
import { FakeEnvironment } from '../test/fakeEnvironment';
import { question } from '../test/questions';
import { createLiveClient, type LiveClient } from './client';
import { createConnection, streamUrl, type Handlers } from './connection';
import type { StreamEvent } from './event';
import { emptyRoom } from './reducer';

let world: FakeEnvironment;
let client: LiveClient;

beforeEach(() => {
  world = new FakeEnvironment();
  client = createLiveClient(world, (handlers) =>
    createConnection({
      url: (cursor) => streamUrl('', 'acme', cursor),
      environment: world,
      handlers,
    }),
  );
  client.start();
  world.newest.say('connected', undefined, 'e.0');
  world.newest.say('snapshot', { questions: [question('a')], tags: [], teams: [] }, 'e.5');
});

const shownIds = () => [...client.getSnapshot().room.questions.keys()];

test('shows the room and how live it is', () => {
  expect(client.getSnapshot().status).toBe('live');
  expect(shownIds()).toEqual(['a']);
});

/** A client whose feed does nothing by itself. */
function clientOfFeed() {
  const feed = { start: vi.fn(), stop: vi.fn(), check: vi.fn(), share: vi.fn() };
  let handlers: Handlers | undefined;
  const fresh = createLiveClient(world, (its) => {
    handlers = its;
    return feed;
  });
  if (handlers === undefined) throw new Error('No feed was made');
  return { fresh, feed, handlers };
}

test('what a tab tells another is the room with its tags and teams, once there is one', () => {
  const { fresh, handlers } = clientOfFeed();
  expect(handlers.snapshot()).toBeNull();
  const snapshot: StreamEvent = {
    type: 'snapshot',
    position: { epoch: 'e', seq: 5 },
    data: {
      questions: [question('a')],
      tags: [{ id: 't', name: 'Pay', color: '#3B82F6' }],
      teams: [{ id: 'e', name: 'Engineering', slug: 'eng', isActive: true }],
    },
  };
  handlers.onEvent(snapshot);
  expect(handlers.snapshot()).toEqual(snapshot);
  expect(fresh.getSnapshot().room.tags).toHaveLength(1);
});

test('own changes are shared with the other tabs', () => {
  const { fresh, feed } = clientOfFeed();
  const changed = question('b');
  fresh.merge(changed, 'e.6');
  fresh.mergeRemoval('b', 'e.7');
  expect(feed.share.mock.calls).toEqual([
    [{ kind: 'changed', question: changed, position: 'e.6' }],
    [{ kind: 'removed', questionId: 'b', position: 'e.7' }],
  ]);
});

test('a restart shows that nothing is known before the feed starts again', () => {
  const { fresh, feed, handlers } = clientOfFeed();
  handlers.onStatus('live');
  fresh.merge(question('b'), 'e.6');
  feed.start.mockImplementation(() => {
    expect(feed.stop).toHaveBeenCalledOnce();
    expect(fresh.getSnapshot()).toEqual({ status: 'connecting', room: emptyRoom, ahead: 0 });
  });
  fresh.restart();
  expect(feed.start).toHaveBeenCalledOnce();
});

test('only a request without an answer has the feed look at its stream', () => {
  const { fresh, feed } = clientOfFeed();
  fresh.noteRequest({ kind: 'late', request: 1, sentAt: 7 });
  fresh.noteRequest({ kind: 'over', request: 1, sentAt: 7 });
  expect(feed.check).not.toHaveBeenCalled();
  fresh.noteRequest({ kind: 'unanswered', request: 2, sentAt: 8 });
  expect(feed.check.mock.calls).toEqual([[8]]);
});

test('before the first snapshot there is nothing but own changes', () => {
  const { fresh } = clientOfFeed();
  expect(fresh.getSnapshot()).toEqual({ status: 'connecting', room: emptyRoom, ahead: 0 });
  fresh.merge(question('mine'), 'e.1');
  expect([...fresh.getSnapshot().room.questions.keys()]).toEqual(['mine']);
});

test('a clock that is wrong by a second shows, one that is wrong by less does not', () => {
  const say = (ahead: number) =>
    world.newest.say('heartbeat', undefined, undefined, { timestamp: world.time + ahead });
  say(999);
  expect(client.getSnapshot().ahead).toBe(0);
  say(-1000);
  expect(client.getSnapshot().ahead).toBe(-1000);
  say(-1900);
  expect(client.getSnapshot().ahead).toBe(-1000);
});

test('a request that takes long says nothing new of a stream that is lost', () => {
  world.newest.break();
  client.noteRequest({ kind: 'late', request: 1, sentAt: world.time });
  expect(client.getSnapshot().status).toBe('catching-up');
});

test('a request that takes long puts the stream in doubt until it is over', () => {
  const status = () => client.getSnapshot().status;
  client.noteRequest({ kind: 'late', request: 1, sentAt: world.time });
  client.noteRequest({ kind: 'late', request: 2, sentAt: world.time });
  expect(status()).toBe('checking');
  client.noteRequest({ kind: 'over', request: 1, sentAt: world.time });
  expect(status()).toBe('checking');
  client.noteRequest({ kind: 'over', request: 2, sentAt: world.time });
  expect(status()).toBe('live');
  expect(world.streams).toHaveLength(1);
  client.noteRequest({ kind: 'unanswered', request: 3, sentAt: world.time + 1 });
  expect(status()).toBe('checking');
  expect(world.streams).toHaveLength(2);
});

test('the snapshot is the same object until something changes', () => {
  const before = client.getSnapshot();
  world.newest.say('heartbeat', { timestamp: 0 });
  expect(client.getSnapshot()).toBe(before);
});

test('tells its listeners, and no longer once they left', () => {
  const listener = vi.fn();
  const leave = client.subscribe(listener);
  world.newest.say('question:removed', { questionId: 'a' }, 'e.6');
  expect(listener).toHaveBeenCalledOnce();
  leave();
  world.newest.say('tags:changed', { tags: [] }, 'e.7');
  expect(listener).toHaveBeenCalledOnce();
});

test('several events that arrive together are shown together', () => {
  const waiting: (() => void)[] = [];
  world.soon = (action) => waiting.push(action);
  const listener = vi.fn();
  client.subscribe(listener);
  world.newest.say('question:upvoted', { questionId: 'a', upvotes: 1 }, 'e.6');
  world.newest.say('question:upvoted', { questionId: 'a', upvotes: 2 }, 'e.7');
  expect(waiting).toHaveLength(1);
  waiting[0]?.();
  expect(listener).toHaveBeenCalledOnce();
  expect(client.getSnapshot().room.questions.get('a')?.upvotes).toBe(2);
});

test('an own change is shown at once', () => {
  world.soon = () => {};
  client.merge(question('b', { isMine: true }), 'e.6');
  expect(shownIds()).toEqual(['a', 'b']);
  client.mergeRemoval('b', 'e.7');
  expect(shownIds()).toEqual(['a']);
});

test('between reset and snapshot the old room stays in view', () => {
  world.newest.say('reset', { reason: 'unknown-position' });
  expect(shownIds()).toEqual(['a']);
  world.newest.say('snapshot', { questions: [question('z')], tags: [], teams: [] }, 'f.1');
  expect(shownIds()).toEqual(['z']);
});

test('a restart forgets everything and opens another stream', () => {
  client.restart();
  expect(client.getSnapshot()).toMatchObject({ status: 'connecting', room: emptyRoom });
  expect(world.streams.map((stream) => stream.closed)).toEqual([true, false]);
  expect(world.newest.url).not.toContain('lastEventId');
});

test('a restart between reset and snapshot leaves nothing of another person’s room', () => {
  world.newest.say('reset', { reason: 'unknown-position' });
  client.restart();
  expect(shownIds()).toEqual([]);
});
