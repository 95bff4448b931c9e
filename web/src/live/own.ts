/** What the server answered to one of this person's own changes, and the position from which the log has it. */
import type { Question } from '../wire';
import { parsePosition } from './position';
import { merge, mergeRemoval, type RoomState } from './reducer';

export type OwnChange =
  | { kind: 'changed'; question: Question; position: string | null }
  | { kind: 'removed'; questionId: string; position: string | null };

export function applyOwn(room: RoomState, change: OwnChange): RoomState {
  const position = parsePosition(change.position);
  return change.kind === 'changed'
    ? merge(room, change.question, position)
    : mergeRemoval(room, change.questionId, position);
}
