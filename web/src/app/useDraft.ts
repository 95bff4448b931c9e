import { useCallback, useState } from 'react';
import { keep, kept } from '../room/keeping';

/** What somebody is writing in a room; it outlives a reload of the page. */
export function useDraft(slug: string): [string, (text: string) => void] {
  const name = `draft:${slug}`;
  const [text, setText] = useState(() => kept(name) ?? '');
  const change = useCallback(
    (next: string) => {
      setText(next);
      keep(name, next);
    },
    [name],
  );
  return [text, change];
}
