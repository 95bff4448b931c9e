/**
 * The words of the contract with the server: what its JSON looks like. Types only.
 * The one file that every folder may import.
 */

export type QuestionStatus = 'OPEN' | 'ANSWERED';

export interface TagRef {
  id: string;
  name: string;
  color: string;
}

export interface Tag extends TagRef {
  description?: string | null;
}

export interface Team {
  id: string;
  name: string;
  slug: string;
  description?: string | null;
  /** Deactivated teams stay in lists, since questions may still name them. */
  isActive: boolean;
}

export interface Question {
  id: string;
  teamId: string | null;
  body: string;
  upvotes: number;
  status: QuestionStatus;
  responseText: string | null;
  respondedAt: string | null;
  createdAt: string;
  updatedAt: string;
  isPinned: boolean;
  /** A member's id, for moderators. */
  pinnedBy: string | null;
  pinnedAt: string | null;
  isFrozen: boolean;
  frozenBy: string | null;
  frozenAt: string | null;
  tags: TagRef[];
  /** Of the person who asks; only in snapshots and answers, never in events. */
  hasUpvoted: boolean;
  /** Likewise. */
  isMine: boolean;
}

export type Action = 'ask' | 'vote' | 'moderate' | 'manage-tags' | 'manage-teams';

export interface Session {
  tenantId: string;
  tenantSlug: string;
  role: string;
  isGuest: boolean;
  can: string[];
}

export interface Tenant {
  id: string;
  slug: string;
  name: string;
  settings: { questionMinLength?: number; questionMaxLength?: number };
}

/** What frames of the stream itself say of time, beside their data. */
export interface StreamClock {
  /** The server's clock at sending, in ms. */
  sentAt: number | null;
  /** Of `connected`: the time between two heartbeats. */
  heartbeatSeconds: number | null;
}

/** `data` of each event type that this client understands. */
export interface EventData {
  snapshot: { questions: Question[]; tags: Tag[]; teams: Team[] };
  'question:created': {
    questionId: string;
    body: string;
    upvotes: number;
    status: QuestionStatus;
    teamId: string | null;
    createdAt: string;
  };
  'question:upvoted': { questionId: string; upvotes: number };
  'question:answered': {
    questionId: string;
    responseText: string;
    respondedAt: string;
    updatedAt: string;
    status: 'ANSWERED';
  };
  'question:tagged': { questionId: string; tags: TagRef[]; updatedAt: string };
  'question:untagged': { questionId: string; tags: TagRef[]; updatedAt: string };
  'question:pinned': {
    questionId: string;
    isPinned: boolean;
    pinnedBy: string | null;
    pinnedAt: string | null;
    updatedAt: string;
  };
  'question:frozen': {
    questionId: string;
    isFrozen: boolean;
    frozenBy: string | null;
    frozenAt: string | null;
    updatedAt: string;
  };
  'question:removed': { questionId: string };
  'tags:changed': { tags: Tag[] };
  'teams:changed': { teams: Team[] };
  connected: StreamClock;
  heartbeat: StreamClock;
  reset: { reason: string };
  goodbye: { reason: string };
}

export type EventType = keyof EventData;
