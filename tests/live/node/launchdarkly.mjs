// The package `launchdarkly-eventsource`, which reconnects. An error without a listener would end the process.
import { EventSource } from 'launchdarkly-eventsource';
import { report } from './report.mjs';

const stream = new EventSource(process.argv[2], { jitterRatio: 0.5 });
stream.onmessage = report;
stream.onerror = () => {};
