/** A browser with several tabs: one lock and one channel per name, and tabs that can freeze. */
import type { Channel, Message, Sharing } from '../live/sharing';

interface Waiting {
  tab: number;
  hold: () => Promise<void>;
  resolve: () => void;
  reject: (reason: Error) => void;
}

class FakeChannel implements Channel<Message> {
  onmessage: ((message: MessageEvent<Message>) => void) | null = null;

  constructor(
    readonly tab: number,
    private readonly all: Set<FakeChannel>,
    private readonly send: (from: FakeChannel, message: Message) => void,
  ) {
    all.add(this);
  }

  postMessage = (message: Message): void => this.send(this, message);
  close = (): void => {
    this.all.delete(this);
  };
}

export class FakeBrowser {
  readonly frozen = new Set<number>();
  private readonly channels = new Set<FakeChannel>();
  private inFlight: { to: FakeChannel; message: Message }[] = [];
  private holder: Waiting | null = null;
  private queue: Waiting[] = [];

  /** What one tab sees of it. */
  sharing(tab: number): Sharing {
    return {
      openChannel: () =>
        new FakeChannel(tab, this.channels, (from, message) => {
          for (const to of this.channels) {
            if (to !== from) this.inFlight.push({ to, message: structuredClone(message) });
          }
        }),
      requestLock: (_name, options, hold) =>
        new Promise<void>((resolve, reject) => {
          const waiting = { tab, hold, resolve, reject };
          if ('steal' in options) {
            const robbed = this.holder;
            this.grant(waiting);
            robbed?.reject(new Error('Stolen'));
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

  /** Lets messages and promises settle. A frozen tab gets its messages when it thaws. */
  async settle(): Promise<void> {
    for (let quiet = 0; quiet < 10; quiet += 1) {
      const now = this.inFlight.filter(({ to }) => !this.frozen.has(to.tab));
      this.inFlight = this.inFlight.filter(({ to }) => this.frozen.has(to.tab));
      for (const { to, message } of now) {
        quiet = 0;
        if (this.channels.has(to)) to.onmessage?.(new MessageEvent('message', { data: message }));
      }
      await Promise.resolve();
    }
  }

  /** Loses what is on its way, as a browser may for a tab that was suspended. */
  loseMessages(): void {
    this.inFlight = [];
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
