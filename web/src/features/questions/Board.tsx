import { useMemo, useState, type ReactNode } from 'react';
import { arrange, counts, usePending, useSettleAsks, useSSE, type View } from '../../room';
import type { Question } from '../../wire';
import { Pills } from './Pills';
import { QuestionList } from './QuestionList';
import { useNews } from './useNews';

const nothing: Record<View, string> = {
  popular: 'No questions yet. Yours can be the first.',
  recent: 'No questions yet. Yours can be the first.',
  answered: 'Nothing has been answered yet.',
  mine: 'You have not asked anything on this device.',
};

export interface BoardProps {
  tools: (question: Question) => ReactNode;
  onEdit: ((text: string) => void) | null;
}

/** The room's questions, in the view that the person chose. */
export function Board({ tools, onEdit }: BoardProps) {
  const { room } = useSSE();
  const pending = usePending();
  const [view, setView] = useState<View>('popular');
  useSettleAsks(view);
  const items = useMemo(() => arrange(room, pending, view), [room, pending, view]);
  const totals = useMemo(() => counts(room, pending), [room, pending]);
  const ready = room.position !== null;
  const news = useNews(room.questions, ready);

  return (
    <section aria-label="Questions" className="space-y-4">
      <Pills view={view} counts={totals} onView={setView} />
      <p role="status" className="sr-only">
        {news}
      </p>
      {!ready && items.length === 0 && <Skeleton />}
      {ready && items.length === 0 && (
        <p className="rounded-2xl border border-dashed border-line px-4 py-10 text-center text-muted">
          {nothing[view]}
        </p>
      )}
      <QuestionList key={view} items={items} tools={tools} onEdit={onEdit} />
    </section>
  );
}

function Skeleton() {
  return (
    <div role="status" className="space-y-3">
      <span className="sr-only">Loading questions</span>
      {[0, 1, 2].map((row) => (
        <div key={row} aria-hidden="true" className="h-24 animate-pulse rounded-2xl bg-sunken" />
      ))}
    </div>
  );
}
