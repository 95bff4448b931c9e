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
