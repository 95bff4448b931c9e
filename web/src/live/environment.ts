/** What the stream client needs from the world around it, so that tests can bring their own world. */

/** The part of EventSource that the client uses; the real one fits. */
export interface EventStream {
  onmessage: ((message: MessageEvent<string>) => void) | null;
  onerror: ((event: Event) => void) | null;
  close(): void;
}

/**
 * What happens to a page: `visible` it is looked at again, `shown` it is back from the browser's page cache, `online` the
 * machine has a network again, `offline` it has none, `hidden` nobody sees it, `stored` it may go to the page cache and must
 * hold no connection.
 */
export type PageSignal = 'visible' | 'hidden' | 'shown' | 'stored' | 'online' | 'offline';

export interface Environment {
  /** Any clock that never goes back, in ms. */
  now: () => number;
  random: () => number;
  /** Calls once after `ms`; returns how to cancel. */
  after: (ms: number, action: () => void) => () => void;
  openStream: (url: string) => EventStream;
  onSignal: (listener: (signal: PageSignal) => void) => () => void;
  /** Calls once, soon: several changes that arrive together are shown together. */
  soon: (action: () => void) => void;
  /** Whether nobody sees the page now. */
  hidden: () => boolean;
  /** False if the machine knows that it has no network. True says nothing. */
  online: () => boolean;
}

export function browserEnvironment(): Environment {
  return {
    // Not performance.now(): in some browsers it stands still while the machine sleeps.
    now: () => Date.now(),
    random: () => Math.random(),
    after(ms, action) {
      const timer = setTimeout(action, ms);
      return () => clearTimeout(timer);
    },
    openStream: (url) => new EventSource(url),
    hidden: () => document.hidden,
    online: () => navigator.onLine,
    soon(action) {
      // Hidden pages get no animation frames.
      if (document.hidden) setTimeout(action, 50);
      else requestAnimationFrame(action);
    },
    onSignal(listener) {
      const onVisibility = () => listener(document.hidden ? 'hidden' : 'visible');
      const onShow = (event: PageTransitionEvent) => {
        if (event.persisted) listener('shown');
      };
      const onHide = () => listener('stored');
      const onOnline = () => listener('online');
      const onOffline = () => listener('offline');
      document.addEventListener('visibilitychange', onVisibility);
      window.addEventListener('pageshow', onShow);
      window.addEventListener('pagehide', onHide);
      window.addEventListener('online', onOnline);
      window.addEventListener('offline', onOffline);
      return () => {
        document.removeEventListener('visibilitychange', onVisibility);
        window.removeEventListener('pageshow', onShow);
        window.removeEventListener('pagehide', onHide);
        window.removeEventListener('online', onOnline);
        window.removeEventListener('offline', onOffline);
      };
    },
  };
}
