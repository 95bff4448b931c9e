// The npm package `eventsource` as a client: every message on a line of its own, as [lastEventId, data].
// Arguments: the package.json of a project that has the package, and the stream's address.
import { createRequire } from 'node:module';

const [project, url] = process.argv.slice(2);
const { EventSource } = createRequire(project)('eventsource');

const stream = new EventSource(url);
stream.onmessage = ({ lastEventId, data }) => console.log(JSON.stringify([lastEventId, data]));
