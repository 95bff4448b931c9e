import { expect, test } from 'vitest';
import { parseEvent } from './event';

const frame = (type: string, data?: unknown) => JSON.stringify({ type, data, timestamp: 1 });

test('a logged event carries its position', () => {
  expect(parseEvent('e.7', frame('question:removed', { questionId: 'q' }))).toEqual({
    type: 'question:removed',
    data: { questionId: 'q' },
    position: { epoch: 'e', seq: 7 },
  });
});

test('a heartbeat has no position, whatever id EventSource repeats', () => {
  expect(parseEvent('e.7', frame('heartbeat', { timestamp: 1 }))?.position).toBeNull();
});

test('connected and heartbeats say when they were sent, and connected how often they come', () => {
  const members = { type: 'connected', timestamp: 5, heartbeatSeconds: 30 };
  expect(parseEvent('', JSON.stringify(members))).toEqual({
    type: 'connected',
    data: { sentAt: 5, heartbeatSeconds: 30 },
    position: null,
  });
  expect(parseEvent('', '{"type":"heartbeat","timestamp":"5"}')).toEqual({
    type: 'heartbeat',
    data: { sentAt: null, heartbeatSeconds: null },
    position: null,
  });
});

test.each(['reset', 'goodbye'])('%s has no position, whatever id EventSource repeats', (type) => {
  const data = { reason: 'x' };
  expect(parseEvent('e.7', frame(type, data))).toEqual({ type, data, position: null });
});

test.each([
  'snapshot',
  'question:created',
  'question:upvoted',
  'question:answered',
  'question:tagged',
  'question:untagged',
  'question:pinned',
  'question:frozen',
  'question:removed',
  'tags:changed',
  'teams:changed',
])('%s is known, and none without its data', (type) => {
  const position = { epoch: 'e', seq: 7 };
  expect(parseEvent('e.7', frame(type, { some: 1 }))).toEqual({
    type,
    data: { some: 1 },
    position,
  });
  expect(parseEvent('e.7', frame(type, null))).toBeNull();
});

test('an unknown type keeps nothing but its position', () => {
  expect(parseEvent('e.8', frame('poll:opened', { secret: 1 }))).toEqual({
    type: 'unknown',
    data: undefined,
    position: { epoch: 'e', seq: 8 },
  });
});

test('what is no event is skipped', () => {
  for (const text of ['', '{', 'null', '[]', '{"type":5}', frame('question:upvoted'), '"x"']) {
    expect(parseEvent('e.1', text)).toBeNull();
  }
});
