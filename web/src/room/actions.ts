/**
 * What a person can do in a room. Each action shows at once, is confirmed by the server's answer, and is taken back with
 * a word if the server says no.
 */
import { ApiError, type Api } from '../api';
import type { LiveClient } from '../live';
import type { Question, TagRef } from '../wire';
import {
  addAsk,
  addPatch,
  alike,
  dropAsk,
  dropPatch,
  patched,
  updateAsk,
  type Change,
  type Pending,
} from './pending';
import type { Store } from './store';
import { createUncertain } from './uncertain';

export type Actions = ReturnType<typeof createActions>;

export interface ActionsOptions {
  api: Api;
  client: LiveClient;
  pending: Store<Pending>;
  /** Called with what to tell the person. */
  onProblem: (what: string, error: ApiError) => void;
}

export function createActions({ api, client, pending, onProblem }: ActionsOptions) {
  /** Votes on their way, by question: what the person wants by now, and what to lift once that is settled. */
  const voting = new Map<string, { want: boolean; lifts: (() => void)[] }>();
  let asked = 0;
  const uncertain = createUncertain({ api, client, pending });

  /** Says what failed. Without an answer nobody knows yet whether `action` did, and the stream will tell. */
  function report(action: string, failure: string, reason: unknown) {
    const error = problem(reason);
    onProblem(error.isUncertain ? `${action} is not confirmed` : failure, error);
  }

  const questions = () => client.getSnapshot().room.questions;

  /** In the server's order, which is that of the room's list; a tag that is not there yet comes last. */
  function inOrder(tags: TagRef[]): TagRef[] {
    const ids = client.getSnapshot().room.tags.map((it) => it.id);
    const place = ({ id }: TagRef) => (ids.includes(id) ? ids.indexOf(id) : ids.length);
    return tags.sort((a, b) => place(a) - place(b));
  }

  function lay(questionId: string, change: Change): () => void {
    const patch = { questionId, change };
    pending.update((it) => addPatch(it, patch));
    return () => pending.update((it) => dropPatch(it, patch));
  }

  /** Shows `change` until the server has answered; false if it said no. */
  async function change(
    [action, failure]: readonly [action: string, failure: string],
    id: string,
    seen: Change,
    send: () => Promise<{ value: Question; position: string | null }>,
  ): Promise<boolean> {
    const lift = lay(id, seen);
    try {
      const answer = await send();
      client.merge(answer.value, answer.position);
      return true;
    } catch (reason) {
      report(action, failure, reason);
      return false;
    } finally {
      lift();
    }
  }

  async function sendAsk(key: string, body: string, teamId: string | null): Promise<void> {
    try {
      const answer = await api.ask(body, teamId);
      client.merge(answer.value, answer.position);
      pending.update((it) => updateAsk(it, key, { questionId: answer.value.id }));
    } catch (reason) {
      const error = problem(reason);
      pending.update((it) => updateAsk(it, key, { error, isUncertain: error.isUncertain }));
      if (error.isUncertain) await uncertain.ask(key);
    }
  }

  /** Sends until the server has what the person wants, however often they change their mind meanwhile. */
  async function settleVote(id: string, vote: { want: boolean }, hasVote: boolean): Promise<void> {
    let has = hasVote;
    while (vote.want !== has) {
      const { want } = vote;
      try {
        const answer = await api.vote(id, want);
        client.merge(answer.value, answer.position);
      } catch (reason) {
        const error = problem(reason);
        // Already so, perhaps from another device: that is what was wanted. Only the own part needs to be learnt.
        if (error.code !== (want ? 'already_upvoted' : 'not_upvoted')) throw error;
        client.merge(await api.question(id), null);
      }
      has = want;
    }
  }

  return {
    ask(body: string, teamId: string | null): void {
      asked += 1;
      const key = `asked-${asked}`;
      pending.update((it) =>
        addAsk(it, {
          key,
          body,
          teamId,
          askedAt: new Date().toISOString(),
          before: alike({ body, teamId }, questions()),
          questionId: null,
          error: null,
          isUncertain: false,
        }),
      );
      void sendAsk(key, body, teamId);
    },

    askAgain(key: string): void {
      const ask = pending.get().asks.find((it) => it.key === key);
      // What may have arrived is not sent again: it would be there twice.
      if (!ask || ask.isUncertain) return;
      pending.update((it) => updateAsk(it, key, { error: null }));
      void sendAsk(key, ask.body, ask.teamId);
    },

    /** Finds out what became of questions that were unsent when the page was left. */
    findUnsent(): void {
      for (const ask of pending.get().asks) {
        if (ask.isUncertain) void uncertain.ask(ask.key);
      }
    },

    discardAsk(key: string): void {
      pending.update((it) => dropAsk(it, key));
    },

    async vote(id: string, want: boolean): Promise<void> {
      const known = questions().get(id);
      const seen = known && patched(pending.get(), known);
      if (!seen || seen.hasUpvoted === want) return;
      // Absolute, not "one more": when the echo with the new count comes before the answer, it must not count twice.
      const lift = lay(id, { hasUpvoted: want, upvotes: seen.upvotes + (want ? 1 : -1) });
      const earlier = voting.get(id);
      if (earlier) {
        earlier.want = want;
        earlier.lifts.push(lift);
        return;
      }
      const vote = { want, lifts: [lift] };
      voting.set(id, vote);
      try {
        await settleVote(id, vote, known.hasUpvoted);
      } catch (reason) {
        const error = problem(reason);
        if (error.isUncertain) {
          onProblem('Your vote is not confirmed', error);
          void uncertain.vote(id);
        } else {
          onProblem(want ? 'Your vote was not counted' : 'Your vote is still there', error);
        }
      } finally {
        voting.delete(id);
        for (const it of vote.lifts) it();
      }
    },

    answer: (id: string, response: string) =>
      change(['The answer', 'The answer was not saved'], id, {}, () => api.answer(id, response)),

    pin: (id: string, on: boolean) =>
      change(
        on ? ['The pin', 'Not pinned'] : ['The removal of the pin', 'Still pinned'],
        id,
        { isPinned: on },
        () => api.pin(id, on),
      ),

    freeze: (id: string, on: boolean) =>
      change(
        on ? ['The freeze', 'Not frozen'] : ['The end of the freeze', 'Still frozen'],
        id,
        { isFrozen: on },
        () => api.freeze(id, on),
      ),

    tag(question: Question, tag: TagRef, on: boolean) {
      const others = question.tags.filter((it) => it.id !== tag.id);
      const tags = on ? inOrder([...others, tag]) : others;
      return change(
        ['The change of tags', 'The tags were not changed'],
        question.id,
        { tags },
        () => api.tag(question.id, tag.id, on),
      );
    },

    async createTag(question: Question, name: string): Promise<boolean> {
      try {
        const { value: tag } = await api.createTag(name);
        return await this.tag(question, tag, true);
      } catch (reason) {
        report('The new tag', 'The tag was not created', reason);
        return false;
      }
    },

    async remove(id: string): Promise<void> {
      const lift = lay(id, 'removed');
      try {
        const answer = await api.remove(id);
        client.mergeRemoval(id, answer.position);
      } catch (reason) {
        report('The removal', 'The question is still there', reason);
      } finally {
        lift();
      }
    },
  };
}

function problem(reason: unknown): ApiError {
  if (reason instanceof ApiError) return reason;
  // A mistake of ours, not of the person: say something, and let the console have the rest.
  console.error(reason);
  return new ApiError(0, 'unexpected', 'Something went wrong', 'Reload the page and try again.');
}
