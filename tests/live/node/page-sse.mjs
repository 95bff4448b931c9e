import { SSE } from './node_modules/sse.js/lib/sse.js';

/** sse.js, which reconnects if it is told to. */
export default function follow(url, report) {
  new SSE(url, { autoReconnect: true }).onmessage = report;
}
