import { useEffect, useRef, useState } from 'react';
import type { Question } from '../../wire';

/** News is gathered for this long, so that a busy room doesn't talk without end. */
const gatherMs = 2000;

/** What happened in the room, as a sentence for those who hear the page rather than see it. */
export function useNews(questions: ReadonlyMap<string, Question>, ready: boolean): string {
  const [news, setNews] = useState('');
  const told = useRef<ReadonlyMap<string, Question> | null>(null);

  useEffect(() => {
    if (!ready) return;
    if (told.current === null) {
      told.current = questions;
      return;
    }
    const timer = setTimeout(() => {
      const sentence = whatsNew(told.current ?? questions, questions);
      told.current = questions;
      if (sentence !== '') setNews(sentence);
    }, gatherMs);
    return () => clearTimeout(timer);
  }, [questions, ready]);

  return news;
}

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
