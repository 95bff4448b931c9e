/** A browser with several tabs: one lock and one channel per name, and tabs that can freeze. */
import { channelLock, type LockMessage } from '../live/channelLock';
import type { Environment } from '../live/environment';
import type { Channel, Message, Sharing } from '../live/sharing';

interface Waiting {
  tab: number;
  hold: () => Promise<void>;
  resolve: () => void;
  reject: (reason: Error) => void;
}

interface Letter {
  to: FakeChannel<never>;
  message: unknown;
}

class FakeChannel<T extends { kind: string }> implements Channel<T> {
  onmessage: ((message: MessageEvent<T>) => void) | null = null;

  constructor(
    readonly name: string,
    readonly tab: number,
    private readonly browser: { all: Set<FakeChannel<never>>; inFlight: Letter[]; sent: string[] },
  ) {
    browser.all.add(this);
  }

  postMessage = (message: T): void => {
    if (!this.browser.all.has(this)) throw new Error('The channel is closed');
    this.browser.sent.push(message.kind);
    for (const to of this.browser.all) {
      if (to === (this as FakeChannel<never>) || to.name !== this.name) continue;
      this.browser.inFlight.push({ to, message: structuredClone(message) });
    }
  };

  close = (): void => {
    this.browser.all.delete(this);
  };
}

export class FakeBrowser {
  readonly frozen = new Set<number>();
  /** The kind of every message that a tab has sent. */
  readonly sent: string[] = [];
  private readonly channels = {
    all: new Set<FakeChannel<never>>(),
    inFlight: [] as Letter[],
    sent: this.sent,
  };
  private holder: Waiting | null = null;
  private queue: Waiting[] = [];

  /** What one tab sees of it. */
  sharing(tab: number): Sharing {
    return {
      openChannel: (name) => new FakeChannel<Message>(name, tab, this.channels),
      requestLock: (_name, options, hold) =>
        new Promise<void>((resolve, reject) => {
          const waiting = { tab, hold, resolve, reject };
          if ('steal' in options) {
            const previous = this.holder;
            this.grant(waiting);
            previous?.reject(new Error('Stolen'));
            return;
          }
          options.signal.addEventListener('abort', () => {
            this.queue = this.queue.filter((other) => other !== waiting);
            reject(new Error('Aborted'));
          });
          this.queue.push(waiting);
          this.next();
        }),
    };
  }

  /** The same, where the browser has no locks. */
  sharingWithoutLocks(tab: number, environment: Environment): Sharing {
    return {
      openChannel: (name) => new FakeChannel<Message>(name, tab, this.channels),
      requestLock: channelLock(
        (name) => new FakeChannel<LockMessage>(`${name}:lock`, tab, this.channels),
        environment,
      ),
    };
  }

  /** Lets messages and promises settle. A frozen tab gets its messages when it thaws. */
  async settle(): Promise<void> {
    for (let quiet = 0, rounds = 0; quiet < 10; quiet += 1) {
      rounds += 1;
      if (rounds > 1000) throw new Error('The tabs never stop talking');
      const { all, inFlight } = this.channels;
      const now = inFlight.filter(({ to }) => !this.frozen.has(to.tab));
      this.channels.inFlight = inFlight.filter(({ to }) => this.frozen.has(to.tab));
      for (const { to, message } of now) {
        quiet = 0;
        if (all.has(to)) to.onmessage?.(new MessageEvent('message', { data: message as never }));
      }
      await Promise.resolve();
    }
  }

  /** Loses what is on its way, as a browser may for a tab that was suspended. */
  loseMessages(): void {
    this.channels.inFlight = [];
  }

  private grant(waiting: Waiting): void {
    this.holder = waiting;
    void waiting.hold().then(() => {
      waiting.resolve();
      if (this.holder !== waiting) return;
      this.holder = null;
      this.next();
    });
  }

  private next(): void {
    if (this.holder !== null) return;
    const waiting = this.queue.shift();
    if (waiting) this.grant(waiting);
  }
}
