import { expect, test } from 'vitest';
import { question } from '../test/questions';
import { whyNoVote } from './whyNoVote';

test('whoever may vote can vote for an open question of somebody else', () => {
  expect(whyNoVote(question('a'), true)).toBeNull();
});

test.each([
  [{ status: 'ANSWERED' }, true, 'This question is answered; voting is over'],
  [{ isFrozen: true }, true, 'Voting on this question is paused'],
  [{ isMine: true }, true, 'This is your own question'],
  [{}, false, 'Voting is not open to you in this room'],
] as const)('%j, %s: %s', (more, mayVote, reason) => {
  expect(whyNoVote(question('a', more), mayVote)).toBe(reason);
});
