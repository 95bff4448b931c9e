/** A world under a test's control: its clock stands still until told to go on, its streams say what the test says. */
import type { Environment, EventStream, PageSignal } from '../live/environment';

interface Timer {
  at: number;
  action: () => void;
}

export class FakeStream implements EventStream {
  onmessage: ((message: MessageEvent<string>) => void) | null = null;
  onerror: ((event: Event) => void) | null = null;
  closed = false;
  private lastId = '';

  constructor(readonly url: string) {}

  close(): void {
    this.closed = true;
  }

  /** Like EventSource, a frame without an id repeats the last one. `beside` are members beside `data`. */
  say(type: string, data?: unknown, id?: string, beside: object = {}): void {
    if (id !== undefined) this.lastId = id;
    const frame = JSON.stringify({ type, data, ...beside });
    this.onmessage?.(new MessageEvent('message', { data: frame, lastEventId: this.lastId }));
  }

  break(): void {
    this.onerror?.(new Event('error'));
  }
}

export class FakeEnvironment implements Environment {
  time = 1_000_000;
  chance = 0.5;
  isHidden = false;
  isOnline = true;
  readonly streams: FakeStream[] = [];
  private timers: Timer[] = [];
  private listeners = new Set<(signal: PageSignal) => void>();

  now = (): number => this.time;
  random = (): number => this.chance;
  soon = (action: () => void): void => action();
  hidden = (): boolean => this.isHidden;
  online = (): boolean => this.isOnline;

  after = (ms: number, action: () => void): (() => void) => {
    const timer = { at: this.time + ms, action };
    this.timers.push(timer);
    return () => {
      this.timers = this.timers.filter((other) => other !== timer);
    };
  };

  openStream = (url: string): FakeStream => {
    const stream = new FakeStream(url);
    this.streams.push(stream);
    return stream;
  };

  onSignal = (listener: (signal: PageSignal) => void): (() => void) => {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  };

  signal(signal: PageSignal): void {
    if (signal === 'hidden' || signal === 'visible') this.isHidden = signal === 'hidden';
    if (signal === 'offline' || signal === 'online') this.isOnline = signal === 'online';
    for (const listener of [...this.listeners]) listener(signal);
  }

  /** Lets time pass and the timers in it ring, in order. */
  pass(ms: number): void {
    const end = this.time + ms;
    for (let rung = 0; ; rung += 1) {
      if (rung > 1000) throw new Error('Timers never stop ringing');
      const [next] = this.timers.filter((it) => it.at <= end).sort((a, b) => a.at - b.at);
      if (next === undefined) break;
      this.timers = this.timers.filter((it) => it !== next);
      this.time = Math.max(this.time, next.at);
      next.action();
    }
    this.time = end;
  }

  /** The machine sleeps: time passes, and no timer rings before it wakes. */
  sleep(ms: number): void {
    this.time += ms;
  }

  get timerCount(): number {
    return this.timers.length;
  }

  get newest(): FakeStream {
    const stream = this.streams.at(-1);
    if (stream === undefined) throw new Error('No stream was opened');
    return stream;
  }
}
