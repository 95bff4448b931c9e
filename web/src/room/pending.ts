/**
 * What this person has done and the server has not confirmed yet. It lies over the room's state like a film and never
 * becomes part of it: taking it off again is the whole of a rollback. Pure functions on a frozen value.
 */
import type { ApiError } from '../api';
import type { Question } from '../wire';

/** What an unconfirmed change makes of a question. */
export type Change = Partial<Question> | 'removed';

interface Patch {
  questionId: string;
  change: Change;
}

/** A question that was asked on this page; it stays on top until the person looks elsewhere. */
export interface Ask {
  readonly key: string;
  readonly body: string;
  readonly teamId: string | null;
  readonly askedAt: string;
  /** Other questions with the same text, by id: those that were there at that moment. A new one is the echo of this. */
  readonly before: ReadonlySet<string>;
  /** Known once the server has answered. */
  readonly questionId: string | null;
  readonly error: ApiError | null;
  /** There was no answer, so it may have arrived all the same; the stream will tell. */
  readonly isUncertain: boolean;
}

export interface Pending {
  readonly asks: readonly Ask[];
  readonly patches: readonly Patch[];
}

export const nothingPending: Pending = { asks: [], patches: [] };

export function addAsk(pending: Pending, ask: Ask): Pending {
  return { ...pending, asks: [ask, ...pending.asks] };
}

export function updateAsk(
  pending: Pending,
  key: string,
  change: Partial<Pick<Ask, 'questionId' | 'error' | 'isUncertain' | 'before'>>,
): Pending {
  return {
    ...pending,
    asks: pending.asks.map((ask) => (ask.key === key ? { ...ask, ...change } : ask)),
  };
}

export function dropAsk(pending: Pending, key: string): Pending {
  return { ...pending, asks: pending.asks.filter((ask) => ask.key !== key) };
}

/** Own questions that have arrived take their place among the others. */
export function settleAsks(pending: Pending): Pending {
  if (pending.asks.every((ask) => ask.questionId === null)) return pending;
  return { ...pending, asks: pending.asks.filter((ask) => ask.questionId === null) };
}

export function addPatch(pending: Pending, patch: Patch): Pending {
  return { ...pending, patches: [...pending.patches, patch] };
}

export function dropPatch(pending: Pending, patch: Patch): Pending {
  return { ...pending, patches: pending.patches.filter((other) => other !== patch) };
}

/** The question as this person should see it now; null if they removed it. */
export function patched(pending: Pending, question: Question): Question | null {
  let seen = question;
  for (const { questionId, change } of pending.patches) {
    if (questionId !== question.id) continue;
    if (change === 'removed') return null;
    seen = { ...seen, ...change };
  }
  return seen;
}

/** Whether the server has not confirmed yet what this person's vote on the question is. */
export function isVotePending(pending: Pending, questionId: string): boolean {
  return pending.patches.some(
    (patch) =>
      patch.questionId === questionId && patch.change !== 'removed' && 'hasUpvoted' in patch.change,
  );
}

/** The question in the room that this ask has become, by the server's answer or, before that, by its echo. */
export function arrived(ask: Ask, questions: ReadonlyMap<string, Question>): Question | null {
  if (ask.questionId !== null) return questions.get(ask.questionId) ?? null;
  for (const id of alike(ask, questions)) {
    if (!ask.before.has(id)) return questions.get(id) ?? null;
  }
  return null;
}

/** The ids of the questions that ask the same. */
export function alike(
  { body, teamId }: Pick<Ask, 'body' | 'teamId'>,
  questions: ReadonlyMap<string, Question>,
): Set<string> {
  const wanted = plain(body);
  const ids = new Set<string>();
  for (const question of questions.values()) {
    if (question.teamId === teamId && plain(question.body) === wanted) ids.add(question.id);
  }
  return ids;
}

/** The server tidies white space; that makes no other question. */
function plain(text: string): string {
  return text.normalize('NFC').replace(/\s+/g, ' ').trim();
}
