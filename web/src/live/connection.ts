/**
 * One stream, kept open. A state machine over an EventSource:
 *
 *     connecting ──► live ──► catching-up ──► live …
 *                                   └──► offline (nothing got through twice in a row) ──► live …
 *
 * It reconnects by itself rather than let EventSource do it: EventSource gives up for good after an answer other than
 * 200, knows no backoff, and never notices a connection that died without a word.
 *
 * Must not: know what events mean to a room, or keep a cursor of its own. The room's state is the cursor.
 */
import { afterGoodbye, backoff } from './backoff';
import type { Environment, EventStream, PageSignal } from './environment';
import { parseEvent, type StreamEvent } from './event';
import type { OwnChange } from './own';

export type Status = 'connecting' | 'live' | 'catching-up' | 'offline';

/** Something that feeds a room with events. */
export interface Feed {
  start: () => void;
  stop: () => void;
  /** Tells this person's other tabs what the server answered here. */
  share?: (change: OwnChange) => void;
}

export interface Handlers {
  /** Where to go on from, or null to begin with a snapshot. */
  cursor: () => string | null;
  /** All that the room knows, as an event that gives it to another one; null before there is anything. */
  snapshot: () => StreamEvent | null;
  onEvent: (event: StreamEvent) => void;
  /** What the server answered in another tab. */
  onOwn: (change: OwnChange) => void;
  onStatus: (status: Status) => void;
}

/** The server's heartbeat comes every 30 s; half as long again without a word, and nobody is there. */
export const silenceLimit = 45_000;
/** How long a new stream may take to say anything. */
export const openLimit = 15_000;
/** A stream that lived shorter than this failed, so that a server that drops everybody at once isn't hammered. */
export const shortLife = 5_000;

export function streamUrl(base: string, tenant: string, cursor: string | null): string {
  const query = new URLSearchParams({ tenantId: tenant, snapshot: '1' });
  if (cursor !== null) query.set('lastEventId', cursor);
  return `${base}/sse?${query.toString()}`;
}

export interface ConnectionOptions {
  url: (cursor: string | null) => string;
  environment: Environment;
  handlers: Handlers;
}

export function createConnection({ url, environment, handlers }: ConnectionOptions): Feed {
  let stream: EventStream | null = null;
  let status: Status | null = null;
  let wasLive = false;
  let failures = 0;
  let openedAt = 0;
  let greeted = false;
  let heardAt = 0;
  let cancelRetry = () => {};
  let cancelWatchdog = () => {};
  let stopSignals: (() => void) | null = null;

  function setStatus(next: Status) {
    if (next === 'live') wasLive = true;
    if (next === status) return;
    status = next;
    handlers.onStatus(next);
  }

  function interrupted(): Status {
    if (failures >= 2) return 'offline';
    return wasLive ? 'catching-up' : 'connecting';
  }

  function close() {
    cancelRetry();
    cancelWatchdog();
    if (stream !== null) {
      stream.onmessage = null;
      stream.onerror = null;
      stream.close();
      stream = null;
    }
  }

  function open() {
    close();
    const current = environment.openStream(url(handlers.cursor()));
    stream = current;
    greeted = false;
    openedAt = heardAt = environment.now();
    current.onmessage = (message) => {
      heardAt = environment.now();
      const event = parseEvent(message.lastEventId, message.data);
      if (event !== null) receive(event);
    };
    current.onerror = fail;
    watch();
  }

  function receive(event: StreamEvent) {
    // A stream with nothing to go on from is live once the snapshot is there; one that goes on is live at once.
    const joined =
      event.type === 'snapshot' || (event.type === 'connected' && handlers.cursor() !== null);
    if (event.type === 'connected') greeted = true;
    handlers.onEvent(event);
    if (joined) setStatus('live');
    if (event.type === 'reset') setStatus(interrupted());
    if (event.type === 'goodbye') {
      failures = 0;
      setStatus(interrupted());
      retryIn(afterGoodbye(environment.random));
    }
  }

  function fail() {
    const lived = greeted && environment.now() - openedAt >= shortLife;
    failures = lived ? 1 : failures + 1;
    setStatus(interrupted());
    retryIn(backoff(failures, environment.random));
  }

  function retryIn(ms: number) {
    close();
    cancelRetry = environment.after(ms, open);
  }

  /** One timer per stream, not one per message: when it rings it looks how long the silence has been. */
  function watch() {
    const limit = greeted ? silenceLimit : openLimit;
    const left = heardAt + limit - environment.now();
    if (left <= 0) fail();
    else cancelWatchdog = environment.after(left, watch);
  }

  function onSignal(signal: PageSignal) {
    switch (signal) {
      case 'hidden':
        return;
      case 'stored':
        close();
        return;
      case 'visible':
        // While the machine slept no timer rang.
        if (stream !== null && environment.now() - heardAt < silenceLimit) return;
        break;
      case 'online':
        failures = 0;
        break;
      case 'shown':
        break;
    }
    setStatus(interrupted());
    open();
  }

  return {
    start() {
      if (stopSignals !== null) return;
      stopSignals = environment.onSignal(onSignal);
      setStatus(interrupted());
      open();
    },
    stop() {
      stopSignals?.();
      stopSignals = null;
      close();
      status = null;
      wasLive = false;
      failures = 0;
    },
  };
}
