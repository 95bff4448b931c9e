// The EventSource of Node.js, which is undici's, behind --experimental-eventsource. It reconnects, but before Node.js 24
// it gives up if the server is away at that moment: then another one takes over.
import { report } from './report.mjs';

const url = new URL(process.argv[2]);

function open() {
  const stream = new EventSource(url);
  stream.onmessage = (message) => {
    url.searchParams.set('lastEventId', message.lastEventId);
    report(message);
  };
  // Its own timer for reconnecting doesn't keep the process alive; this one does.
  const watch = setInterval(() => {
    if (stream.readyState !== EventSource.CLOSED) return;
    clearInterval(watch);
    open();
  }, 1000);
}

open();
