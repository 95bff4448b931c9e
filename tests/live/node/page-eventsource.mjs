/** The browser's own EventSource, which reconnects. */
export default function follow(url, report) {
  new EventSource(url).onmessage = report;
}
