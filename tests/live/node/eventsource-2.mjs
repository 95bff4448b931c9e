// The package `eventsource` in its version 2, on which many still build. It reconnects.
import EventSource from 'eventsource-2';
import { report } from './report.mjs';

new EventSource(process.argv[2]).onmessage = report;
