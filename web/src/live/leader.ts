/**
 * One stream per browser, whatever the number of tabs. HTTP/1.1 allows six connections per host; with a stream in every
 * tab the seventh would hang, and so would every request in it.
 *
 * The tab that holds a lock leads: it has the stream, and passes every event on. The others follow: to their rooms it
 * makes no difference whether events come from the server or from a neighbour. When the leader goes, the browser gives
 * the lock to the next tab, which goes on from where its own room is.
 *
 * A leader can also freeze without going (phones suspend hidden tabs and their locks stay held), so a follower that
 * somebody looks at asks for a sign of life, and takes the lock away if there is none. It does the same to a hidden leader
 * that has lost the stream. A leader whose lock was stolen becomes a follower. A tab that is refused the lock opens a
 * stream of its own.
 */
import type { Feed, Handlers, Status } from './connection';
import type { Environment, PageSignal } from './environment';
import type { OwnChange } from './own';
import type { Leader, Message, Sharing } from './sharing';

/** How often a follower asks whether the leader is alive. */
export const pingInterval = 10_000;
/** How long the leader may take to answer. Long enough for a busy page, short enough for a waiting person. */
export const answerLimit = 2_000;

export interface SharedFeedOptions {
  /** Tabs with the same name share: same server, same room, same person in the same role. */
  name: string;
  environment: Environment;
  sharing: Sharing;
  handlers: Handlers;
  /** Makes the stream of a leader. */
  connect: (handlers: Handlers) => Feed;
}

export function createSharedFeed(options: SharedFeedOptions): Feed {
  const { name, environment, sharing, handlers, connect } = options;
  let stopAll: (() => void) | null = null;
  let channel: ReturnType<Sharing['openChannel']> | null = null;

  let stream: Feed | null = null;
  let release = () => {};
  let leaveQueue = () => {};
  let status: Status;

  /** Events the leader has passed on; what a follower has got, or null before it has been told everything. */
  let count: number | null = null;
  let ahead: number | null = null;
  let cancelPing = () => {};
  let cancelDeadline: (() => void) | null = null;

  const say = (message: Message) => channel?.postMessage(message);

  // ---- Leading ----

  const passOn: Handlers = {
    cursor: handlers.cursor,
    snapshot: handlers.snapshot,
    onOwn: handlers.onOwn,
    onEvent(event) {
      handlers.onEvent(event);
      if (event.type === 'connected' || event.type === 'heartbeat' || event.type === 'goodbye')
        return;
      count = (count ?? 0) + 1;
      say({ kind: 'event', count, event });
    },
    onStatus(next) {
      show(next);
      say({ kind: 'status', leader: self() });
    },
    onClock(next) {
      ahead = next;
      handlers.onClock(next);
    },
  };

  function lead() {
    stopWatching();
    count = 0;
    stream = connect(passOn);
    stream.start();
    tell();
  }

  function self(): Leader {
    return { count: count ?? 0, status, hidden: environment.hidden(), ahead };
  }

  function tell() {
    say({ kind: 'tell', leader: self(), snapshot: handlers.snapshot() });
  }

  function standDown() {
    stream?.stop();
    stream = null;
    count = null;
  }

  /** Waits for the lock, or takes it away from a leader that doesn't answer. */
  function seekLock(steal: boolean) {
    leaveQueue();
    const attempt = new AbortController();
    leaveQueue = () => attempt.abort();
    let wasGranted = false;
    const granted = () =>
      new Promise<void>((resolve) => {
        wasGranted = true;
        if (attempt.signal.aborted) {
          resolve();
          return;
        }
        release = resolve;
        lead();
      });
    sharing.requestLock(name, steal ? { steal } : { signal: attempt.signal }, granted).catch(() => {
      if (attempt.signal.aborted) return;
      // Browsers refuse locks to pages that may store nothing. Asking again would be refused again.
      if (!wasGranted) {
        lead();
        return;
      }
      standDown();
      follow();
    });
  }

  // ---- Following ----

  function follow() {
    seekLock(false);
    ask();
    schedulePing();
  }

  function ask() {
    count = null;
    say({ kind: 'ask' });
    expectAnswer();
  }

  function expectAnswer() {
    // Nobody looks, so nothing is urgent; and hidden pages' timers are too slow to judge by.
    if (environment.hidden() || stream !== null) return;
    cancelDeadline ??= environment.after(answerLimit * (1 + environment.random() / 2), () => {
      cancelDeadline = null;
      seekLock(true);
    });
  }

  function answered() {
    cancelDeadline?.();
    cancelDeadline = null;
  }

  /** The leader is alive; but if it has lost the stream and nobody looks at it, its slow timers may take a minute. */
  function judge(leader: Leader) {
    show(leader.status);
    if (leader.ahead !== null) handlers.onClock(leader.ahead);
    if (leader.status !== 'live' && leader.hidden) expectAnswer();
    else answered();
  }

  function schedulePing() {
    cancelPing();
    cancelPing = environment.after(pingInterval, () => {
      if (stream !== null) return;
      ping();
      schedulePing();
    });
  }

  function ping() {
    say({ kind: 'ping' });
    expectAnswer();
  }

  function stopWatching() {
    cancelPing();
    answered();
  }

  function show(next: Status) {
    status = next;
    handlers.onStatus(next);
  }

  // ---- Both ----

  function hear(message: Message) {
    if (message.kind === 'own') handlers.onOwn(message.change);
    else if (stream !== null) hearAsLeader(message);
    else hearAsFollower(message);
  }

  function hearAsLeader(message: Message) {
    if (message.kind === 'ask') tell();
    if (message.kind === 'check') stream?.check(message.sentAt);
    if (message.kind !== 'ping') return;
    stream?.check();
    say({ kind: 'pong', leader: self() });
  }

  function hearAsFollower(message: Message) {
    switch (message.kind) {
      case 'tell':
        judge(message.leader);
        count = message.leader.count;
        if (message.snapshot !== null) handlers.onEvent(message.snapshot);
        return;
      case 'event':
        answered();
        // What comes before everything was told is part of what will be told.
        if (count === null) return;
        if (message.count !== count + 1) {
          ask();
          return;
        }
        count = message.count;
        handlers.onEvent(message.event);
        return;
      case 'status':
        judge(message.leader);
        return;
      case 'pong':
        judge(message.leader);
        if (message.leader.count !== count) ask();
        return;
      case 'ask':
      case 'ping':
      case 'check':
      case 'own':
        return;
    }
  }

  function onSignal(signal: PageSignal) {
    if (signal === 'stored') leave();
    if (signal === 'shown') join();
    if (signal === 'visible' && stream === null && channel !== null) ping();
    if (signal === 'hidden') answered();
  }

  function join() {
    if (channel !== null) return;
    channel = sharing.openChannel(name);
    channel.onmessage = (message) => hear(message.data);
    follow();
  }

  function leave() {
    stopWatching();
    leaveQueue();
    standDown();
    release();
    release = () => {};
    channel?.close();
    channel = null;
  }

  return {
    start() {
      if (stopAll !== null) return;
      const stopSignals = environment.onSignal(onSignal);
      stopAll = () => {
        stopSignals();
        leave();
      };
      show('connecting');
      join();
    },
    stop() {
      stopAll?.();
      stopAll = null;
    },
    check(sentAt?: number) {
      if (stream !== null) stream.check(sentAt);
      else if (sentAt !== undefined) say({ kind: 'check', sentAt });
    },
    share(change: OwnChange) {
      say({ kind: 'own', change });
    },
  };
}
