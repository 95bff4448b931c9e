/** Which questions a person sees, and in what order. Pure. */
import type { RoomState } from '../live';
import type { Question } from '../wire';
import { arrived, patched, type Ask, type Pending } from './pending';

export type View = 'popular' | 'recent' | 'answered' | 'mine';

export interface Item {
  /** Stays the same from the moment of asking, while the question's id is known only later. */
  readonly key: string;
  readonly question: Question;
  /** Set while the server has not confirmed the question. */
  readonly ask: Ask | null;
}

export function arrange(room: RoomState, pending: Pending, view: View): Item[] {
  const top: Item[] = [];
  const onTop = new Set<string>();
  for (const ask of pending.asks) {
    const known = arrived(ask, room.questions);
    if (known === null) {
      if (ask.questionId === null) top.push({ key: ask.key, question: draft(ask), ask });
      continue;
    }
    if (onTop.has(known.id)) continue;
    onTop.add(known.id);
    const question = patched(pending, known);
    if (question) top.push({ key: ask.key, question, ask: null });
  }
  const rest: Item[] = [];
  for (const known of room.questions.values()) {
    if (onTop.has(known.id)) continue;
    const question = patched(pending, known);
    if (question && belongs(question, view)) rest.push({ key: question.id, question, ask: null });
  }
  return [...(view === 'answered' ? [] : top), ...rest.sort(order(view))];
}

function belongs(question: Question, view: View): boolean {
  if (view === 'mine') return question.isMine;
  return (question.status === 'ANSWERED') === (view === 'answered');
}

/**
 * Popular: pinned first, then most votes, then oldest. Recent and Mine: newest first. Answered: the latest answer first.
 * An id begins with the time of asking, so the order of ids is that of asking. The server's lists have the same orders;
 * tests/orders.json holds both to them.
 */
function order(view: View): (a: Item, b: Item) => number {
  return ({ question: a }, { question: b }) => {
    if (view === 'popular') {
      return (
        Number(b.isPinned) - Number(a.isPinned) || b.upvotes - a.upvotes || compare(a.id, b.id)
      );
    }
    const answered = view === 'answered' ? compare(b.respondedAt ?? '', a.respondedAt ?? '') : 0;
    return answered || compare(b.id, a.id);
  };
}

/** By code points; ISO times in UTC compare as text. */
function compare(a: string, b: string): number {
  return Number(a > b) - Number(a < b);
}

export function counts(room: RoomState, pending: Pending): Record<View, number> {
  const result = { popular: 0, answered: 0, mine: 0 };
  for (const known of room.questions.values()) {
    const question = patched(pending, known);
    if (question === null) continue;
    if (question.isMine) result.mine += 1;
    if (question.status === 'ANSWERED') result.answered += 1;
    else result.popular += 1;
  }
  return { ...result, recent: result.popular };
}

function draft(ask: Ask): Question {
  return {
    id: ask.key,
    teamId: ask.teamId,
    body: ask.body,
    upvotes: 0,
    status: 'OPEN',
    responseText: null,
    respondedAt: null,
    createdAt: ask.askedAt,
    updatedAt: ask.askedAt,
    isPinned: false,
    pinnedBy: null,
    pinnedAt: null,
    isFrozen: false,
    frozenBy: null,
    frozenAt: null,
    tags: [],
    hasUpvoted: false,
    isMine: true,
  };
}
