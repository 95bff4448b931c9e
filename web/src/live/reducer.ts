/**
 * What a room looks like, and how an event changes it. Pure: no clock, no I/O, nothing is mutated.
 *
 * Two sources tell the truth about a question: the stream, in order, and the answers to this person's own changes, which
 * may overtake it. An answer carries the position that it is true for:
 *
 * - at or before the state's position, the stream has told us more already, and only what no event ever carries (my vote,
 *   my question) is taken from the answer;
 * - beyond it, the whole question is taken, and remembered as `ahead`, so that the events that led to it, which are still
 *   on their way, don't turn the question back for a moment.
 *
 * Hence the order in which echo and answer arrive makes no difference.
 */
import type { Question, Tag, Team } from '../wire';
import type { StreamEvent } from './event';
import { covers, type Position } from './position';

export interface RoomState {
  /** All that happened up to here is in this state. Null: nothing is known, a snapshot has to come first. */
  readonly position: Position | null;
  readonly questions: ReadonlyMap<string, Question>;
  /** Questions, present or removed, that an answer knows further than the stream. */
  readonly ahead: ReadonlyMap<string, Position>;
  readonly tags: readonly Tag[];
  readonly teams: readonly Team[];
}

export const emptyRoom: RoomState = {
  position: null,
  questions: new Map(),
  ahead: new Map(),
  tags: [],
  teams: [],
};

export function apply(state: RoomState, event: StreamEvent): RoomState {
  switch (event.type) {
    case 'reset':
      return emptyRoom;
    case 'snapshot':
      return fromSnapshot(state, event.data, event.position);
    case 'connected':
    case 'heartbeat':
    case 'goodbye':
      return state;
    default:
      return inOrder(state, event);
  }
}

type LoggedEvent = Exclude<
  StreamEvent,
  { type: 'reset' | 'snapshot' | 'connected' | 'heartbeat' | 'goodbye' }
>;

function inOrder(state: RoomState, event: LoggedEvent): RoomState {
  if (state.position === null || event.position === null) return state;
  if (covers(state.position, event.position)) return state;
  const moved = { ...state, position: event.position };
  switch (event.type) {
    case 'unknown':
      return moved;
    case 'tags:changed':
      return { ...moved, tags: event.data.tags };
    case 'teams:changed':
      return { ...moved, teams: event.data.teams };
    default:
      return covers(state.ahead.get(event.data.questionId) ?? null, event.position)
        ? moved
        : changeQuestion(moved, event);
  }
}

type QuestionEvent = Exclude<LoggedEvent, { type: 'unknown' | 'tags:changed' | 'teams:changed' }>;

function changeQuestion(state: RoomState, event: QuestionEvent): RoomState {
  const { questionId } = event.data;
  const known = state.questions.get(questionId);
  if (event.type === 'question:created') {
    return known ? state : withQuestion(state, newQuestion(event.data));
  }
  if (known === undefined) return state;
  switch (event.type) {
    case 'question:upvoted':
      return withQuestion(state, { ...known, upvotes: event.data.upvotes });
    case 'question:answered': {
      const { responseText, respondedAt, updatedAt, status } = event.data;
      return withQuestion(state, { ...known, responseText, respondedAt, updatedAt, status });
    }
    case 'question:tagged':
    case 'question:untagged': {
      const { tags, updatedAt } = event.data;
      return withQuestion(state, { ...known, tags, updatedAt });
    }
    case 'question:pinned': {
      const { isPinned, pinnedBy, pinnedAt, updatedAt } = event.data;
      return withQuestion(state, { ...known, isPinned, pinnedBy, pinnedAt, updatedAt });
    }
    case 'question:frozen': {
      const { isFrozen, frozenBy, frozenAt, updatedAt } = event.data;
      return withQuestion(state, { ...known, isFrozen, frozenBy, frozenAt, updatedAt });
    }
    case 'question:removed':
      return withoutQuestion(state, questionId);
  }
}

/** The answer to one of this person's own changes, or to a look at one question (then without a position). */
export function merge(state: RoomState, answer: Question, position: Position | null): RoomState {
  if (isAhead(state, answer.id, position)) {
    return withAhead(withQuestion(state, answer), answer.id, position);
  }
  const known = state.questions.get(answer.id);
  if (known === undefined) return state;
  const { hasUpvoted, isMine } = answer;
  return withQuestion(state, { ...known, hasUpvoted, isMine });
}

/** A removal that this person asked for. */
export function mergeRemoval(
  state: RoomState,
  questionId: string,
  position: Position | null,
): RoomState {
  const without = withoutQuestion(state, questionId);
  return isAhead(state, questionId, position) ? withAhead(without, questionId, position) : without;
}

function isAhead(
  state: RoomState,
  questionId: string,
  position: Position | null,
): position is Position {
  if (position === null) return false;
  // Another epoch: the server's log was replaced, and the stream will say so with a reset.
  if (state.position !== null && state.position.epoch !== position.epoch) return false;
  // Answers can overtake each other as well.
  const reached = state.ahead.get(questionId) ?? null;
  return !covers(state.position, position) && !covers(reached, position);
}

function fromSnapshot(
  old: RoomState,
  data: { questions: Question[]; tags: Tag[]; teams: Team[] },
  position: Position | null,
): RoomState {
  const questions = new Map(data.questions.map((question) => [question.id, question]));
  const ahead = new Map<string, Position>();
  // An answer can overtake a snapshot too.
  for (const [id, reached] of old.ahead) {
    if (reached.epoch !== position?.epoch || covers(position, reached)) continue;
    ahead.set(id, reached);
    const mine = old.questions.get(id);
    if (mine) questions.set(id, mine);
    else questions.delete(id);
  }
  return { position, questions, ahead, tags: data.tags, teams: data.teams };
}

function withQuestion(state: RoomState, question: Question): RoomState {
  return { ...state, questions: new Map(state.questions).set(question.id, question) };
}

function withoutQuestion(state: RoomState, questionId: string): RoomState {
  const questions = new Map(state.questions);
  questions.delete(questionId);
  return { ...state, questions };
}

function withAhead(state: RoomState, questionId: string, position: Position): RoomState {
  const ahead = new Map<string, Position>([[questionId, position]]);
  for (const [id, reached] of state.ahead) {
    // What the stream has caught up with needs no remembering, so this stays as small as the stream is late.
    if (id !== questionId && !covers(state.position, reached)) ahead.set(id, reached);
  }
  return { ...state, ahead };
}

function newQuestion(
  created: Extract<QuestionEvent, { type: 'question:created' }>['data'],
): Question {
  return {
    id: created.questionId,
    teamId: created.teamId,
    body: created.body,
    upvotes: created.upvotes,
    status: created.status,
    responseText: null,
    respondedAt: null,
    createdAt: created.createdAt,
    updatedAt: created.createdAt,
    isPinned: false,
    pinnedBy: null,
    pinnedAt: null,
    isFrozen: false,
    frozenBy: null,
    frozenAt: null,
    tags: [],
    hasUpvoted: false,
    isMine: false,
  };
}
