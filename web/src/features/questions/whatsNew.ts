import type { Question } from '../../wire';

/** What happened between two looks at a room, in a few words; empty if there is nothing to tell. */
export function whatsNew(
  before: ReadonlyMap<string, Question>,
  after: ReadonlyMap<string, Question>,
): string {
  let asked = 0;
  let answered = 0;
  for (const question of after.values()) {
    const old = before.get(question.id);
    if (old === undefined && !question.isMine) asked += 1;
    if (old?.status === 'OPEN' && question.status === 'ANSWERED') answered += 1;
  }
  return [count(asked, 'new question'), count(answered, 'question', ' answered')]
    .filter((part) => part !== '')
    .join(', ');
}

function count(n: number, noun: string, rest = ''): string {
  return n === 0 ? '' : `${n} ${noun}${n === 1 ? '' : 's'}${rest}`;
}
