import { useEffect, useRef, useState } from 'react';
import type { Question } from '../../wire';
import { whatsNew } from './whatsNew';

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
