import { memo, useState, type ReactNode } from 'react';
import { useCan, useRoom, whyNoVote } from '../../room';
import { Button } from '../../ui/Button';
import { Icon } from '../../ui/Icon';
import { ago } from '../../ui/time';
import { useShowToast } from '../../ui/Toasts';
import { VotePill } from '../../ui/VotePill';
import type { Question } from '../../wire';

export interface QuestionCardProps {
  question: Question;
  teamName: string | null;
  votePending: boolean;
  now: number;
  /** What a moderator can do with it. */
  tools: ReactNode;
}

export const QuestionCard = memo(function QuestionCard({
  question,
  teamName,
  votePending,
  now,
  tools,
}: QuestionCardProps) {
  const { actions } = useRoom();
  const mayVote = useCan('vote');
  const moderates = useCan('moderate');
  const showToast = useShowToast();
  const answered = question.status === 'ANSWERED';

  return (
    <article
      className={`rounded-2xl border bg-surface p-3 shadow-card sm:p-4 ${
        question.isPinned ? 'border-accent' : 'border-line'
      }`}
    >
      <div className="flex gap-3">
        <VotePill
          votes={question.upvotes}
          voted={question.hasUpvoted}
          pending={votePending}
          reason={whyNoVote(question, mayVote)}
          onVote={(want) => void actions.vote(question.id, want)}
          onRefused={(reason) => showToast({ tone: 'notice', text: reason })}
        />
        <div className="min-w-0 flex-1">
          {question.isPinned && (
            <p className="mb-0.5 flex items-center gap-1 text-sm font-semibold text-accent-text">
              <Icon name="pin" /> Pinned
            </p>
          )}
          <p dir="auto" className="text-[1.0625rem] leading-snug whitespace-pre-line">
            {question.body}
          </p>
          <ul className="mt-2 flex flex-wrap items-center gap-x-2.5 gap-y-1 text-sm text-muted">
            <li>
              <time dateTime={question.createdAt}>{ago(question.createdAt, now)}</time>
            </li>
            {question.isMine && <li className="font-medium text-accent-text">Yours</li>}
            {teamName !== null && <li dir="auto">{teamName}</li>}
            {question.isFrozen && (
              <li className="flex items-center gap-1 rounded-full bg-cold-soft px-2 font-medium text-cold">
                <Icon name="snow" className="size-3.5" /> Frozen
              </li>
            )}
            {question.tags.map((tag) => (
              <li
                key={tag.id}
                className="flex items-center gap-1.5 min-w-0 rounded-xl bg-sunken px-2"
              >
                <span
                  aria-hidden="true"
                  className="size-2 shrink-0 rounded-full"
                  style={{ backgroundColor: tag.color }}
                />
                <bdi>{tag.name}</bdi>
              </li>
            ))}
          </ul>
          {question.isMine && !answered && !moderates && (
            <Withdraw onWithdraw={() => void actions.remove(question.id)} />
          )}
        </div>
      </div>
      {answered && question.responseText !== null && (
        <div className="mt-3 rounded-xl bg-accent-soft p-3">
          <p className="flex items-center gap-1 text-sm font-semibold text-accent-text">
            <Icon name="check" /> Answered
          </p>
          <p dir="auto" className="mt-1 whitespace-pre-line">
            {question.responseText}
          </p>
        </div>
      )}
      {tools}
    </article>
  );
});

function Withdraw({ onWithdraw }: { onWithdraw: () => void }) {
  const [sure, setSure] = useState(false);
  if (!sure) {
    return (
      <Button look="quiet" className="-mb-2 -ml-3.5" onClick={() => setSure(true)}>
        Withdraw
      </Button>
    );
  }
  return (
    <div role="group" aria-label="Withdraw your question?" className="mt-2 flex flex-wrap gap-2">
      <Button look="danger" onClick={onWithdraw}>
        Withdraw my question
      </Button>
      <Button look="quiet" onClick={() => setSure(false)}>
        Keep it
      </Button>
    </div>
  );
}
