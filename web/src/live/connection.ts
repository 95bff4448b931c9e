/**
 * One stream, kept open. A state machine over an EventSource:
 *
 *     connecting ──► live ──► catching-up ──► live …
 *                      │            └──► offline (nothing got through twice in a row, or no network) ──► live …
 *                      └──► checking (it should have said something) ──► live, or catching-up
 *
 * It reconnects by itself rather than let EventSource do it: EventSource gives up for good after an answer other than
 * 200, knows no backoff, and never notices a connection that died silently.
 *
 * Must not: know what events mean to a room, or keep a cursor of its own. The room's state is the cursor.
 */
import { afterGoodbye, backoff } from './backoff';
import type { Environment, EventStream, PageSignal } from './environment';
import { parseEvent, type StreamEvent } from './event';
import type { OwnChange } from './own';

export type Status = 'connecting' | 'live' | 'checking' | 'catching-up' | 'offline';

/** Something that feeds a room with events. */
export interface Feed {
  start: () => void;
  stop: () => void;
  /**
   * Opens another stream if this one has said nothing since a request was sent that got no answer, or, without one, for
   * longer than it should: timers of hidden pages ring late.
   */
  check: (sentAt?: number) => void;
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
  /** By how many ms the server's clock is ahead of this machine's. */
  onClock: (ahead: number) => void;
}

/** Between two heartbeats, unless `connected` says otherwise. */
export const usualHeartbeat = 30_000;
/** A stream that was silent for so many heartbeats is in doubt, … */
export const lateHeartbeats = 1.25;
/** … and after so many it is given up. */
export const deadHeartbeats = 1.5;
/** How long a new stream may take to say anything before it is in doubt, … */
export const slowOpen = 2_500;
/** … and before another one is tried. */
export const openLimit = 10_000;
/** A stream that lived shorter than this failed, so that a server that drops everybody at once isn't hammered. */
export const shortLife = 5_000;
/** Whoever looks away no longer than this finds the connection as it was; phones cut those of pages in the background. */
export const shortAbsence = 5_000;

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
  let failures = 0;
  let openedAt: number;
  let greeted: boolean;
  let heartbeat = usualHeartbeat;
  let heardAt: number;
  let hiddenAt = 0;
  let cancelRetry = () => {};
  let cancelWatchdog = () => {};
  let stopSignals: (() => void) | null = null;

  function setStatus(next: Status) {
    if (next === status) return;
    status = next;
    handlers.onStatus(next);
  }

  function interrupted(): Status {
    if (failures >= 2 || !environment.online()) return 'offline';
    return handlers.cursor() === null ? 'connecting' : 'catching-up';
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
    if (event.type === 'connected') {
      greeted = true;
      heartbeat = (event.data.heartbeatSeconds ?? usualHeartbeat / 1000) * 1000;
      watch();
    }
    if ((event.type === 'connected' || event.type === 'heartbeat') && event.data.sentAt !== null) {
      handlers.onClock(event.data.sentAt - environment.now());
    }
    handlers.onEvent(event);
    if (joined || (greeted && status === 'checking')) setStatus('live');
    // The room as it was stays on the page until the new snapshot is there.
    if (event.type === 'reset') setStatus('catching-up');
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

  function isLate(): boolean {
    return environment.now() - heardAt >= (greeted ? lateHeartbeats * heartbeat : slowOpen);
  }

  /** One timer per stream, not one per message: when it rings it looks how long the silence has been. */
  function watch() {
    cancelWatchdog();
    const limit = greeted ? deadHeartbeats * heartbeat : openLimit;
    const doubt = greeted ? lateHeartbeats * heartbeat : slowOpen;
    const silence = environment.now() - heardAt;
    if (silence >= limit) {
      fail();
      return;
    }
    if (isLate() && status === 'live') setStatus('checking');
    cancelWatchdog = environment.after((silence < doubt ? doubt : limit) - silence, watch);
  }

  /** Nothing was seen to fail: the person is told only that this is being looked into. */
  function openInDoubt() {
    if (status === 'live') setStatus('checking');
    open();
  }

  function openAgain() {
    setStatus(interrupted());
    open();
  }

  function onSignal(signal: PageSignal) {
    switch (signal) {
      case 'hidden':
        hiddenAt = environment.now();
        return;
      case 'stored':
        close();
        return;
      case 'visible':
        // While the machine slept no timer rang.
        if (stream === null) openAgain();
        else if (isLate()) openInDoubt();
        else if (environment.now() - hiddenAt > shortAbsence && greeted) open();
        return;
      case 'online':
        failures = 0;
        openAgain();
        return;
      // Without a network the way to a server on this very machine is open all the same; trying tells.
      case 'offline':
      case 'shown':
        openAgain();
        return;
    }
  }

  return {
    start() {
      if (stopSignals !== null) return;
      stopSignals = environment.onSignal(onSignal);
      setStatus(interrupted());
      open();
    },
    check(sentAt = environment.now() - lateHeartbeats * heartbeat) {
      if (stream !== null && greeted && heardAt < sentAt) openInDoubt();
    },
    stop() {
      stopSignals?.();
      stopSignals = null;
      close();
      status = null;
      failures = 0;
    },
  };
}
