import { beforeEach, describe, expect, test } from 'vitest';
import { FakeEnvironment } from '../test/fakeEnvironment';
import { createConnection, streamUrl, type Status } from './connection';
import type { StreamEvent } from './event';

let world: FakeEnvironment;
let cursor: string | null;
let statuses: Status[];
let events: StreamEvent[];
let ahead: number[];
let connection: ReturnType<typeof createConnection>;

beforeEach(() => {
  world = new FakeEnvironment();
  cursor = null;
  statuses = [];
  events = [];
  ahead = [];
  connection = createConnection({
    url: (from) => streamUrl('/qa', 'acme', from),
    environment: world,
    handlers: {
      cursor: () => cursor,
      onEvent: (event) => {
        events.push(event);
        if (event.type === 'reset') cursor = null;
        else if (event.position) cursor = `${event.position.epoch}.${event.position.seq}`;
      },
      snapshot: () => null,
      onOwn: () => {},
      onStatus: (status) => statuses.push(status),
      onClock: (ms) => ahead.push(ms),
    },
  });
  connection.start();
});

const empty = { questions: [], tags: [], teams: [] };

function join(seq = 7) {
  world.newest.say('connected', undefined, 'e.0');
  world.newest.say('snapshot', empty, `e.${seq}`);
}

function joinAgain() {
  world.newest.say('connected', undefined, cursor ?? 'e.0');
}

/** Lets the stream break, and how long it takes until another is opened. */
function breakAndMeasure(): number {
  const opened = world.streams.length;
  world.newest.break();
  const start = world.time;
  // A limit, so that a connection that is never tried again fails the test rather than hang it.
  for (let n = 0; n < 100 && world.streams.length === opened; n += 1) world.pass(250);
  return world.time - start;
}

describe('joining', () => {
  test('asks for a snapshot, below the path prefix', () => {
    expect(world.newest.url).toBe('/qa/sse?tenantId=acme&snapshot=1');
    expect(statuses).toEqual(['connecting']);
  });

  test('is live once the snapshot is there, not before', () => {
    world.newest.say('connected', undefined, 'e.0');
    expect(statuses.at(-1)).toBe('connecting');
    world.newest.say('snapshot', empty, 'e.7');
    expect(statuses.at(-1)).toBe('live');
  });

  test('goes on from the cursor when it has one', () => {
    join();
    world.newest.say('question:upvoted', { questionId: 'q', upvotes: 1 }, 'e.8');
    breakAndMeasure();
    expect(world.newest.url).toBe('/qa/sse?tenantId=acme&snapshot=1&lastEventId=e.8');
    expect(statuses.at(-1)).toBe('catching-up');
    joinAgain();
    expect(statuses.at(-1)).toBe('live');
  });
});

describe('failing', () => {
  test('tries again after 1, 2, 4, 8, then 10 s', () => {
    join();
    const waits = [1, 2, 3, 4, 5, 6].map(() => breakAndMeasure());
    expect(waits).toEqual([1000, 2000, 4000, 8000, 10_000, 10_000]);
  });

  test('is offline when nothing gets through twice in a row', () => {
    join();
    world.pass(15_000);
    breakAndMeasure();
    expect(statuses.at(-1)).toBe('catching-up');
    breakAndMeasure();
    expect(statuses.at(-1)).toBe('offline');
    joinAgain();
    expect(statuses.at(-1)).toBe('live');
  });

  test('before the first stream it is connecting, then offline', () => {
    breakAndMeasure();
    breakAndMeasure();
    expect(statuses).toEqual(['connecting', 'offline']);
  });

  test('a stream that lived a while starts the count anew; one that died at once does not', () => {
    join();
    breakAndMeasure();
    joinAgain();
    expect(breakAndMeasure()).toBe(2000);
    joinAgain();
    world.pass(10_000);
    expect(breakAndMeasure()).toBe(1000);
  });

  test.each([
    [4999, 2000],
    [5000, 1000],
  ])('a stream that lived %d ms is followed by another after %d', (ms, wait) => {
    join();
    breakAndMeasure();
    joinAgain();
    world.pass(ms);
    expect(breakAndMeasure()).toBe(wait);
  });

  test('a stream that never said anything did not live, however long it was open', () => {
    join();
    breakAndMeasure();
    world.pass(6000);
    expect(breakAndMeasure()).toBe(2000);
  });

  test('after a goodbye, and after the network is back, the count starts anew', () => {
    join();
    breakAndMeasure();
    breakAndMeasure();
    joinAgain();
    world.newest.say('goodbye', { reason: 'shutdown' });
    expect(statuses.at(-1)).toBe('catching-up');
    world.pass(2500);
    expect(breakAndMeasure()).toBe(1000);
    breakAndMeasure();
    world.signal('online');
    expect(breakAndMeasure()).toBe(1000);
  });

  test('an old stream can say no more', () => {
    join();
    const old = world.newest;
    breakAndMeasure();
    const heard = events.length;
    old.say('question:upvoted', { questionId: 'q', upvotes: 1 }, 'e.8');
    expect(events).toHaveLength(heard);
    expect(old.closed).toBe(true);
    old.break();
    world.pass(5000);
    expect(world.streams).toHaveLength(2);
  });

  test('what was to be tried later is not tried too when something was tried at once', () => {
    join();
    world.newest.break();
    world.signal('online');
    joinAgain();
    world.pass(20_000);
    expect(world.streams).toHaveLength(2);
  });

  test('an unreadable frame is passed over', () => {
    join();
    const heard = events.length;
    world.newest.onmessage?.(new MessageEvent('message', { data: '{' }));
    world.newest.say('question:removed', { questionId: 'q' }, 'e.8');
    expect(events).toHaveLength(heard + 1);
  });

  test('a stream that goes on is live with its greeting, and with nothing before', () => {
    join();
    breakAndMeasure();
    world.newest.say('heartbeat');
    expect(statuses.at(-1)).toBe('catching-up');
    joinAgain();
    expect(statuses.at(-1)).toBe('live');
    connection.check(world.time + 1);
    world.newest.say('heartbeat');
    expect(statuses.at(-1)).toBe('checking');
  });

  test('a stream that lost its place is not called doubtful', () => {
    join();
    world.newest.say('reset', { reason: 'unknown-position' });
    connection.check(world.time + 1);
    expect(world.streams).toHaveLength(2);
    expect(statuses.at(-1)).toBe('catching-up');
  });
});

describe('the watchdog', () => {
  test('doubts a stream whose heartbeat is late, and gives up on it after half as long again', () => {
    join();
    world.pass(1.25 * 30_000 - 1);
    expect(statuses.at(-1)).toBe('live');
    world.pass(1);
    expect(statuses.at(-1)).toBe('checking');
    world.pass(0.25 * 30_000 - 1);
    expect(statuses.at(-1)).toBe('checking');
    world.pass(1);
    expect(statuses.at(-1)).toBe('catching-up');
    world.pass(1000);
    expect(world.streams).toHaveLength(2);
  });

  test('goes by the heartbeat that the server names', () => {
    world.newest.say('connected', undefined, 'e.0', { heartbeatSeconds: 4 });
    world.newest.say('snapshot', empty, 'e.7');
    world.pass(5000);
    expect(statuses.at(-1)).toBe('checking');
    world.newest.say('heartbeat', { timestamp: 0 });
    expect(statuses.at(-1)).toBe('live');
    world.pass(6000);
    expect(statuses.at(-1)).toBe('catching-up');
  });

  test('doubts a stream in time whose heartbeat is faster than streams begin', () => {
    world.newest.say('connected', undefined, 'e.0', { heartbeatSeconds: 1 });
    world.newest.say('snapshot', empty, 'e.7');
    world.pass(1249);
    expect(statuses.at(-1)).toBe('live');
    world.pass(1);
    expect(statuses.at(-1)).toBe('checking');
  });

  test('is content with heartbeats', () => {
    join();
    for (let beat = 0; beat < 10; beat += 1) {
      world.pass(30_000);
      world.newest.say('heartbeat', { timestamp: 0 });
    }
    expect(world.streams).toHaveLength(1);
    expect(statuses.at(-1)).toBe('live');
  });

  test('does not wait long for a stream that never begins', () => {
    world.pass(9999);
    expect(statuses).toEqual(['connecting']);
    world.pass(1);
    world.pass(999);
    expect(world.streams).toHaveLength(1);
    world.pass(1);
    expect(world.streams).toHaveLength(2);
  });

  test('needs one timer, however much is said', () => {
    join();
    for (let n = 8; n < 100; n += 1)
      world.newest.say('question:removed', { questionId: 'q' }, `e.${n}`);
    expect(world.timerCount).toBe(1);
  });
});

describe('a request without an answer', () => {
  test('makes a silent stream doubtful, and another one decides', () => {
    join();
    world.pass(2000);
    const sentAt = world.time;
    world.pass(10_000);
    connection.check(sentAt);
    expect(statuses.at(-1)).toBe('checking');
    expect(world.streams).toHaveLength(2);
    joinAgain();
    expect(statuses.at(-1)).toBe('live');
  });

  test('says nothing of a stream that has said something since', () => {
    join();
    connection.check(world.time);
    expect(world.streams).toHaveLength(1);
    expect(statuses.at(-1)).toBe('live');
  });

  test('does not hurry a stream that is to be tried again', () => {
    join();
    world.newest.break();
    connection.check(world.time + 1);
    expect(world.streams).toHaveLength(1);
  });

  test('does not disturb a stream that is just being opened', () => {
    join();
    world.newest.break();
    world.pass(1000);
    const opened = world.streams.length;
    world.pass(3000);
    connection.check(world.time - 1000);
    expect(world.streams).toHaveLength(opened);
  });
});

test('frames of the stream itself tell how far ahead the server’s clock is', () => {
  world.newest.say('connected', undefined, 'e.0', { timestamp: world.time + 5000 });
  world.newest.say('snapshot', empty, 'e.7', { timestamp: world.time });
  world.newest.say('heartbeat', { timestamp: 0 }, undefined, { timestamp: world.time - 3000 });
  expect(ahead).toEqual([5000, -3000]);
});

test('frames without a time tell nothing of the clock', () => {
  world.newest.say('connected', undefined, 'e.0');
  world.newest.say('heartbeat');
  expect(ahead).toEqual([]);
});

describe('the server’s wishes', () => {
  test('after a goodbye it comes back within 1 to 4 s', () => {
    join();
    world.newest.say('goodbye', { reason: 'shutdown' });
    expect(world.streams[0]?.closed).toBe(true);
    expect(statuses.at(-1)).toBe('catching-up');
    world.pass(2499);
    expect(world.streams).toHaveLength(1);
    world.pass(1);
    expect(world.streams).toHaveLength(2);
    expect(world.newest.url).toContain('lastEventId=e.7');
  });

  test('after a reset it is live again with the snapshot', () => {
    join();
    breakAndMeasure();
    joinAgain();
    world.newest.say('reset', { reason: 'unknown-position' });
    expect(statuses.at(-1)).toBe('catching-up');
    world.newest.say('snapshot', empty, 'f.2');
    expect(statuses.at(-1)).toBe('live');
    breakAndMeasure();
    expect(world.newest.url).toContain('lastEventId=f.2');
  });

  test('a reset that is cut off asks for a snapshot again', () => {
    join();
    world.newest.say('reset', { reason: 'expired-position' });
    breakAndMeasure();
    expect(world.newest.url).not.toContain('lastEventId');
  });
});

describe('the page', () => {
  test.each(['visible', 'shown', 'online'] as const)('tries at once when it is %s', (signal) => {
    join();
    for (let n = 0; n < 5; n += 1) breakAndMeasure();
    world.newest.break();
    const opened = world.streams.length;
    world.signal(signal);
    expect(world.streams).toHaveLength(opened + 1);
  });

  test('leaves a good stream alone when somebody looks again', () => {
    join();
    world.signal('hidden');
    world.pass(4000);
    world.signal('visible');
    expect(world.streams).toHaveLength(1);
  });

  test.each([
    [5000, 1],
    [5001, 2],
  ])('an absence of %d ms leaves %d stream(s) opened', (ms, opened) => {
    join();
    world.signal('hidden');
    world.pass(ms);
    world.signal('visible');
    expect(world.streams).toHaveLength(opened);
  });

  test('leaves a stream alone that was opened a moment ago', () => {
    join();
    world.signal('hidden');
    world.pass(20_000);
    world.newest.break();
    world.pass(1000);
    world.signal('visible');
    expect(world.streams).toHaveLength(2);
  });

  test('opens one stream when the network is back, and none when it is started twice', () => {
    join();
    world.signal('online');
    connection.start();
    expect(world.streams).toHaveLength(2);
  });

  test('opens another stream after a longer absence, and says so only if that takes long', () => {
    join();
    world.signal('hidden');
    world.pass(20_000);
    world.signal('visible');
    expect(world.streams).toHaveLength(2);
    expect(world.newest.url).toContain('lastEventId=e.7');
    expect(statuses.at(-1)).toBe('live');
    world.pass(2499);
    expect(statuses.at(-1)).toBe('live');
    world.pass(1);
    expect(statuses.at(-1)).toBe('checking');
    joinAgain();
    expect(statuses.at(-1)).toBe('live');
  });

  test('is offline at once when the machine has no network, and back at once', () => {
    join();
    world.signal('offline');
    expect(statuses.at(-1)).toBe('offline');
    world.newest.break();
    expect(statuses.at(-1)).toBe('offline');
    world.signal('online');
    expect(statuses.at(-1)).toBe('catching-up');
    joinAgain();
    expect(statuses.at(-1)).toBe('live');
  });

  test('is live without a network if the server is on this machine', () => {
    join();
    world.signal('offline');
    joinAgain();
    expect(statuses.at(-1)).toBe('live');
  });

  test('does not trust a stream that was silent while the machine slept', () => {
    join();
    world.sleep(3_600_000);
    world.signal('visible');
    expect(world.streams).toHaveLength(2);
    expect(world.streams[0]?.closed).toBe(true);
    expect(statuses.at(-1)).toBe('checking');
  });

  test('does not trust a stream over another network', () => {
    join();
    world.signal('online');
    expect(world.streams).toHaveLength(2);
  });

  test('holds no connection in the page cache', () => {
    join();
    world.signal('stored');
    expect(world.newest.closed).toBe(true);
    world.pass(600_000);
    expect(world.streams).toHaveLength(1);
    world.signal('shown');
    expect(world.newest.url).toContain('lastEventId=e.7');
  });

  test('nothing is left after stop', () => {
    join();
    connection.stop();
    expect(world.newest.closed).toBe(true);
    expect(world.timerCount).toBe(0);
    world.signal('online');
    expect(world.streams).toHaveLength(1);
  });

  test('a stopped connection starts as a new one does', () => {
    for (let n = 0; n < 3; n += 1) breakAndMeasure();
    connection.stop();
    statuses = [];
    connection.start();
    expect(statuses).toEqual(['connecting']);
    expect(breakAndMeasure()).toBe(1000);
  });

  test('what a connection was before the stop, it says again after the start', () => {
    connection.stop();
    connection.start();
    expect(statuses).toEqual(['connecting', 'connecting']);
  });
});
