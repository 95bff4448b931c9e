// The loop of the first PulseStage: a set of responses, and one `write` for each.
import express from 'express';

const app = express();
const clients = new Set();

app.get('/health', (_request, response) => response.json({ ok: true }));

app.get('/events', (request, response) => {
  response.writeHead(200, { 'Content-Type': 'text/event-stream', 'Cache-Control': 'no-cache' });
  response.write(': hi\n\n');
  clients.add(response);
  request.on('close', () => clients.delete(response));
});

app.post('/publish', express.text({ type: '*/*' }), (request, response) => {
  for (const client of clients) client.write(request.body);
  response.end();
});

app.listen(Number(process.argv[2]), '127.0.0.1', 2048);
