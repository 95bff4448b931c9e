/** From the text of a frame to a typed event. Doesn't know what events do; that is `reducer.ts`. */
import type { EventData, EventType } from '../wire';
import { parsePosition, type Position } from './position';

type Known = {
  [T in EventType]: { type: T; data: EventData[T]; position: Position | null };
}[EventType];

/** An event of a type that this client is too old to know. Its position still counts. */
interface Unknown {
  type: 'unknown';
  data: undefined;
  position: Position | null;
}

export type StreamEvent = Known | Unknown;

/** Frames about the stream itself. They carry no position. */
const bare: ReadonlySet<string> = new Set(['reset', 'goodbye']);

const withData: ReadonlySet<string> = new Set<EventType>([
  'snapshot',
  'question:created',
  'question:upvoted',
  'question:answered',
  'question:tagged',
  'question:untagged',
  'question:pinned',
  'question:frozen',
  'question:removed',
  'tags:changed',
  'teams:changed',
]);

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null;
}

function number(value: unknown): number | null {
  return typeof value === 'number' ? value : null;
}

/**
 * Null for what is no event at all; better to skip one frame than to lose the stream over it.
 *
 * EventSource repeats the last id it saw on frames that have none, so `lastEventId` says nothing about a bare frame.
 */
export function parseEvent(lastEventId: string, text: string): StreamEvent | null {
  let frame: unknown;
  try {
    frame = JSON.parse(text);
  } catch {
    return null;
  }
  if (!isObject(frame) || typeof frame.type !== 'string') return null;
  const { type, data } = frame;
  if (type === 'connected' || type === 'heartbeat') {
    const sentAt = number(frame.timestamp);
    const heartbeatSeconds = number(frame.heartbeatSeconds);
    return { type, data: { sentAt, heartbeatSeconds }, position: null };
  }
  if (bare.has(type)) return { type, data, position: null } as StreamEvent;
  const position = parsePosition(lastEventId);
  if (!withData.has(type)) return { type: 'unknown', data: undefined, position };
  return isObject(data) ? ({ type, data, position } as unknown as StreamEvent) : null;
}
