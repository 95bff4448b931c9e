import { expect, test } from 'vitest';
import { question } from '../../test/questions';
import type { Question } from '../../wire';
import { whatsNew } from './whatsNew';

const map = (...questions: Question[]) => new Map(questions.map((it) => [it.id, it]));

test('counts what others asked and what was answered', () => {
  const before = map(question('a'), question('b'));
  const after = map(
    question('a', { status: 'ANSWERED' }),
    question('c'),
    question('d'),
    question('e', { isMine: true }),
  );
  expect(whatsNew(before, after)).toBe('2 new questions, 1 question answered');
});

test('votes are no news', () => {
  expect(whatsNew(map(question('a')), map(question('a', { upvotes: 4 })))).toBe('');
});
