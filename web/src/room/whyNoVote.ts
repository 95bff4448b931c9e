import type { Question } from '../wire';

/** Why a person can't vote for a question, in their words; null if they can. */
export function whyNoVote(question: Question, mayVote: boolean): string | null {
  if (question.status === 'ANSWERED') return 'This question is answered; voting is over';
  if (question.isFrozen) return 'Voting on this question is paused';
  if (question.isMine) return 'This is your own question';
  if (!mayVote) return 'Voting is not open to you in this room';
  return null;
}
