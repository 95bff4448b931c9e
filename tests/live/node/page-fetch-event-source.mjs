import { fetchEventSource } from './node_modules/@microsoft/fetch-event-source/lib/esm/index.js';

/** @microsoft/fetch-event-source, which reconnects after an error. An end counts as one if `onclose` throws. */
export default function follow(url, report) {
  fetchEventSource(url, {
    onmessage: ({ id, data }) => report({ lastEventId: id, data }),
    onclose: () => {
      throw new Error('The stream has ended.');
    },
  });
}
