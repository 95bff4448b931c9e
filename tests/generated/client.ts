// A client of generated types alone: asks, votes, reads the page, is refused, and follows the room meanwhile.
// `api.ts` is made from the OpenAPI document, `events.ts` from the AsyncAPI one. Argument: the server's address.
import { EventSource } from "eventsource";
import createClient, { type Client } from "openapi-fetch";

import type { components, operations, paths } from "./api.js";
import type { StreamMessage } from "./events.js";

type Question = components["schemas"]["QuestionView"];
type Code = components["schemas"]["ProblemCode"];

const baseUrl = process.argv[2] ?? "";
const room = { query: { tenantId: "typescript" } } satisfies { query: operations["askQuestion"]["parameters"]["query"] };

/** Somebody who keeps the cookie, as a browser does. */
function person(): Client<paths> {
  const client = createClient<paths>({ baseUrl });
  let cookie = "";
  client.use({
    onRequest: ({ request }) => {
      request.headers.set("Cookie", cookie);
    },
    onResponse: ({ response }) => {
      cookie = response.headers.getSetCookie()[0]?.split(";")[0] ?? cookie;
    },
  });
  return client;
}

/** What an answer that succeeded shows. */
function shown<T>({ data, error }: { data?: T; error?: components["schemas"]["Problem"] }): T {
  if (data === undefined) throw new Error(`refused: ${error?.code} ${error?.detail}`);
  return data;
}

/** The stream from a position on, until `isOver`. */
function follow(position: string, isOver: (seen: StreamMessage[]) => boolean): Promise<StreamMessage[]> {
  const stream = new EventSource(`${baseUrl}/sse?tenantId=typescript&lastEventId=${position}`);
  const seen: StreamMessage[] = [];
  return new Promise((resolve) => {
    stream.onmessage = ({ data }) => {
      seen.push(JSON.parse(data) as StreamMessage);
      if (isOver(seen)) {
        stream.close();
        resolve(seen);
      }
    };
  });
}

/** What a message says, in a word; the type tells which members its data has. */
function told(message: StreamMessage): string {
  switch (message.type) {
    case "question:created":
      return `created: ${message.data.body}`;
    case "question:upvoted":
      return `upvoted: ${message.data.upvotes}`;
    case "connected":
      return `connected: ${message.tenantSlug}`;
    default:
      return message.type;
  }
}

const asker = person();
const voter = person();
const before = await asker.GET("/questions", { params: room });
const position = before.response.headers.get("X-Stream-Position") ?? "";
const events = follow(position, (seen) => seen.at(-1)?.type === "question:upvoted");

const asked: Question = shown(await asker.POST("/questions", { params: room, body: { body: "Generated?" } }));
const path = { question_id: asked.id };
const own = await asker.POST("/questions/{question_id}/upvote", { params: { ...room, path } });
const voted = shown(await voter.POST("/questions/{question_id}/upvote", { params: { ...room, path } }));
const again = await voter.POST("/questions/{question_id}/upvote", { params: { ...room, path } });
const codes: (Code | undefined)[] = [own.error?.code, again.error?.code];
const invalid = await asker.POST("/questions", { params: room, body: { body: "?" } });
const page = shown(await voter.GET("/questions", { params: { query: { ...room.query, sort: "recent", limit: 1 } } }));

// What is not in the documents is not in the types.
// @ts-expect-error there is no such code
export const noCode: Code = "own_qestion";
// @ts-expect-error there is no such member
export const noMember: unknown = asked.author;
// @ts-expect-error this message has no such data
export const noData: unknown = (message: StreamMessage) => message.type === "question:upvoted" && message.data.body;

console.log(
  JSON.stringify({
    asked: [asked.body, asked.upvotes, asked.isMine],
    voted: [voted.upvotes, voted.hasUpvoted],
    codes,
    fields: Object.keys(invalid.error?.fields ?? {}),
    page: page.map((question) => [question.body, question.upvotes, question.teamId]),
    told: (await events).map(told),
  }),
);
