// The fetch of Node.js, which is undici's: the body is read as text, and its lines are put together by hand.
import { setTimeout as sleep } from 'node:timers/promises';
import { report } from './report.mjs';

let lastEventId = '';

async function read(body) {
  let text = '';
  for await (const part of body.pipeThrough(new TextDecoderStream())) {
    const frames = (text + part).split('\n\n');
    text = frames.pop();
    for (const frame of frames) {
      const lines = frame.split('\n').map((line) => /^(\w+): (.*)$/s.exec(line));
      lastEventId = lines.find(([, field]) => field === 'id')?.[2] ?? lastEventId;
      const data = lines.filter(([, field]) => field === 'data').map(([, , value]) => value);
      report({ lastEventId, data: data.join('\n') });
    }
  }
}

for (;;) {
  try {
    const headers = lastEventId ? { 'Last-Event-ID': lastEventId } : {};
    const answer = await fetch(process.argv[2], { headers });
    if (!answer.ok) throw new Error(`${answer.status}`);
    await read(answer.body);
  } catch (error) {
    // fetch reports a lost connection as a TypeError.
    if (!(error instanceof TypeError)) throw error;
  }
  await sleep(1000);
}
