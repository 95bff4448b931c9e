import type { Question } from '../wire';

export function question(id: string, more: Partial<Question> = {}): Question {
  return {
    id,
    teamId: null,
    body: `Question ${id}?`,
    upvotes: 0,
    status: 'OPEN',
    responseText: null,
    respondedAt: null,
    createdAt: '2026-01-01T10:00:00.000Z',
    updatedAt: '2026-01-01T10:00:00.000Z',
    isPinned: false,
    pinnedBy: null,
    pinnedAt: null,
    isFrozen: false,
    frozenBy: null,
    frozenAt: null,
    tags: [],
    hasUpvoted: false,
    isMine: false,
    ...more,
  };
}
