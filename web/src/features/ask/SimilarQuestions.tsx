import { keepPreviousData, useQuery } from '@tanstack/react-query';
import { isVotePending, patched, useCan, usePending, useRoom, useSSE, whyNoVote } from '../../room';
import { useShowToast } from '../../ui/Toasts';
import { useDebounced } from '../../ui/useDebounced';
import { VotePill } from '../../ui/VotePill';

/** Shorter than this, nearly everything is similar. */
const enough = 8;
const most = 3;

/** "Already asked? Add your vote": while somebody types, what others asked before. */
export function SimilarQuestions({ text }: { text: string }) {
  const { api, tenant, actions } = useRoom();
  const { room } = useSSE();
  const pending = usePending();
  const mayVote = useCan('vote');
  const showToast = useShowToast();
  const settled = useDebounced(text.trim(), 350);
  const wanted = text.trim().length >= enough && settled.length >= enough;

  const found = useQuery({
    queryKey: ['similar', tenant.slug, settled],
    queryFn: ({ signal }) => api.similar(settled, signal),
    enabled: wanted,
    placeholderData: keepPreviousData,
    staleTime: 30_000,
    // A help, not a need: if it doesn't work, nobody has to know.
    retry: false,
  });

  // The stream knows the counts better than a search of a while ago.
  const questions = (wanted ? (found.data ?? []) : [])
    .map(({ id }) => {
      const known = room.questions.get(id);
      return known ? patched(pending, known) : null;
    })
    .filter((question) => question !== null)
    .slice(0, most);

  return (
    <>
      <p role="status" className="sr-only">
        {questions.length > 0 &&
          `Similar questions below: ${questions.length}. Add your vote instead?`}
      </p>
      {questions.length > 0 && (
        <div className="rise mt-3 rounded-2xl border border-line bg-accent-soft p-3">
          <h2 className="text-sm font-semibold text-accent-text">Already asked? Add your vote</h2>
          <ul className="mt-2 space-y-2">
            {questions.map((question) => (
              <li key={question.id} className="flex items-center gap-3 rounded-xl bg-surface p-2">
                <VotePill
                  votes={question.upvotes}
                  voted={question.hasUpvoted}
                  pending={isVotePending(pending, question.id)}
                  reason={whyNoVote(question, mayVote)}
                  onVote={(want) => void actions.vote(question.id, want)}
                  onRefused={(reason) => showToast({ tone: 'notice', text: reason })}
                />
                <p dir="auto" className="line-clamp-3 min-w-0">
                  {question.body}
                </p>
              </li>
            ))}
          </ul>
        </div>
      )}
    </>
  );
}
