import { useRef, useState, type ReactNode } from 'react';
import { isVotePending, usePending, useSSE, type Item } from '../../room';
import { Boundary } from '../../ui/Boundary';
import { Button } from '../../ui/Button';
import { useNow } from '../../ui/time';
import type { Question } from '../../wire';
import { AskCard } from './AskCard';
import { currentItem } from './currentItem';
import { follow, hold } from './holdOrder';
import { QuestionCard } from './QuestionCard';
import { useGlide } from './useGlide';
import { useHold } from './useHold';

/** A phone draws this many at once without effort; the rest is a tap away. */
const pageSize = 50;

export interface QuestionListProps {
  items: readonly Item[];
  tools: (question: Question) => ReactNode;
  onEdit: ((text: string) => void) | null;
}

export function QuestionList({ items, tools, onEdit }: QuestionListProps) {
  const { room, ahead } = useSSE();
  const pending = usePending();
  const list = useRef<HTMLOListElement>(null);
  const now = useNow(ahead);
  const [limit, setLimit] = useState(pageSize);
  const held = useHold(list);
  useGlide(list);

  // The order of the last moment in which the list was free to move.
  const [free, setFree] = useState(items);
  if (!held && free !== items) setFree(items);
  const shown = held
    ? hold(free, items, (item) => currentItem(item, room.questions, pending))
    : follow(items);
  const teams = new Map(room.teams.map((team) => [team.id, team.name]));

  function showNew() {
    setFree(items);
    const still = window.matchMedia('(prefers-reduced-motion: reduce)').matches;
    window.scrollTo({ top: 0, behavior: still ? 'auto' : 'smooth' });
  }

  return (
    <>
      {shown.waiting > 0 && (
        <div className="pointer-events-none fixed inset-x-0 top-[calc(env(safe-area-inset-top)+4.25rem)] z-20 flex justify-center">
          <Button
            look="filled"
            onClick={showNew}
            className="rise pointer-events-auto rounded-full! shadow-float"
          >
            {shown.waiting} new {shown.waiting === 1 ? 'question' : 'questions'}
          </Button>
        </div>
      )}
      {/* Positions are measured within the list, hence relative. */}
      <ol ref={list} className="relative space-y-3">
        {shown.items.slice(0, limit).map(({ key, question, ask, gone }) => (
          <li key={key} data-key={key} className="relative">
            {ask !== null && !gone ? (
              <AskCard ask={ask} onEdit={onEdit} />
            ) : (
              <div className={gone ? 'invisible' : undefined}>
                <Boundary of={question} fallback={<BrokenCard />}>
                  <QuestionCard
                    question={question}
                    teamName={teams.get(question.teamId ?? '') ?? null}
                    votePending={isVotePending(pending, question.id)}
                    now={now}
                    tools={gone ? null : tools(question)}
                  />
                </Boundary>
              </div>
            )}
            {gone && (
              <p className="absolute inset-0 grid place-items-center rounded-2xl border border-dashed border-line text-muted">
                This question was removed
              </p>
            )}
          </li>
        ))}
      </ol>
      {shown.items.length > limit && (
        <Button className="mt-4 w-full" onClick={() => setLimit(limit + pageSize)}>
          Show more
        </Button>
      )}
    </>
  );
}

function BrokenCard() {
  return (
    <p className="rounded-2xl border border-dashed border-line px-4 py-6 text-center text-muted">
      This question can’t be shown here. Reloading the page may help.
    </p>
  );
}
