// The package `eventsource`, which has the browsers' interface and reconnects.
import { EventSource } from 'eventsource';
import { report } from './report.mjs';

new EventSource(process.argv[2]).onmessage = report;
