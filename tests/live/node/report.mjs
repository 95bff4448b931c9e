/** Prints one event on a line of its own. */
export function report({ lastEventId, data }) {
  console.log(JSON.stringify([lastEventId, data]));
}
