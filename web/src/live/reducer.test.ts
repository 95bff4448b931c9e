import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { question } from '../test/questions';
import type { Question } from '../wire';
import type { StreamEvent } from './event';
import { apply, emptyRoom, merge, mergeRemoval, type RoomState } from './reducer';

const at = (seq: number, epoch = 'e') => ({ epoch, seq });

function snapshot(seq: number, questions: Question[] = [], epoch = 'e'): StreamEvent {
  return { type: 'snapshot', data: { questions, tags: [], teams: [] }, position: at(seq, epoch) };
}

function upvoted(seq: number, questionId: string, upvotes: number): StreamEvent {
  return { type: 'question:upvoted', data: { questionId, upvotes }, position: at(seq) };
}

function created(seq: number, questionId: string): StreamEvent {
  const { body, createdAt } = question(questionId);
  return {
    type: 'question:created',
    data: { questionId, body, upvotes: 0, status: 'OPEN', teamId: null, createdAt },
    position: at(seq),
  };
}

function removed(seq: number, questionId: string): StreamEvent {
  return { type: 'question:removed', data: { questionId }, position: at(seq) };
}

const run = (events: StreamEvent[], from: RoomState = emptyRoom) => events.reduce(apply, from);

describe('events', () => {
  const room = apply(emptyRoom, snapshot(10, [question('a', { upvotes: 3, hasUpvoted: true })]));

  test('a snapshot replaces everything', () => {
    const next = apply(room, snapshot(20, [question('b')], 'f'));
    expect([...next.questions.keys()]).toEqual(['b']);
    expect(next.position).toEqual(at(20, 'f'));
  });

  test('each changes what it names and leaves the own part alone', () => {
    const next = run(
      [
        upvoted(11, 'a', 4),
        {
          type: 'question:tagged',
          data: { questionId: 'a', tags: [{ id: 't', name: 'T', color: '#fff' }], updatedAt: 'u1' },
          position: at(12),
        },
        {
          type: 'question:pinned',
          data: { questionId: 'a', isPinned: true, pinnedBy: 'm', pinnedAt: 'p', updatedAt: 'u2' },
          position: at(13),
        },
        {
          type: 'question:frozen',
          data: { questionId: 'a', isFrozen: true, frozenBy: 'm', frozenAt: 'f', updatedAt: 'u3' },
          position: at(14),
        },
        {
          type: 'question:answered',
          data: {
            questionId: 'a',
            responseText: 'Yes.',
            respondedAt: 'r',
            updatedAt: 'u4',
            status: 'ANSWERED',
          },
          position: at(15),
        },
        {
          type: 'question:untagged',
          data: { questionId: 'a', tags: [], updatedAt: 'u5' },
          position: at(16),
        },
      ],
      room,
    );
    expect(next.questions.get('a')).toEqual(
      question('a', {
        upvotes: 4,
        hasUpvoted: true,
        isPinned: true,
        pinnedBy: 'm',
        pinnedAt: 'p',
        isFrozen: true,
        frozenBy: 'm',
        frozenAt: 'f',
        status: 'ANSWERED',
        responseText: 'Yes.',
        respondedAt: 'r',
        updatedAt: 'u5',
      }),
    );
    expect(next.position).toEqual(at(16));
  });

  test('a new question starts as nobody’s in particular', () => {
    expect(apply(room, created(11, 'b')).questions.get('b')).toEqual(question('b'));
  });

  test('lists of tags and teams are replaced', () => {
    const tags = [{ id: 't', name: 'T', color: '#fff' }];
    const teams = [{ id: 'm', name: 'M', slug: 'm', isActive: true }];
    const next = run(
      [
        { type: 'tags:changed', data: { tags }, position: at(11) },
        { type: 'teams:changed', data: { teams }, position: at(12) },
      ],
      room,
    );
    expect(next).toMatchObject({ tags, teams, position: at(12) });
  });

  test('at or below the position is dropped', () => {
    expect(apply(room, upvoted(10, 'a', 99))).toBe(room);
    expect(apply(room, removed(4, 'a'))).toBe(room);
  });

  test('reset forgets, and what follows waits for a snapshot', () => {
    const next = apply(room, {
      type: 'reset',
      data: { reason: 'unknown-position' },
      position: null,
    });
    expect(next).toEqual(emptyRoom);
    expect(apply(next, upvoted(11, 'a', 9))).toBe(next);
  });

  test('an unknown type moves the position and nothing else', () => {
    const next = apply(room, { type: 'unknown', data: undefined, position: at(11) });
    expect(next.position).toEqual(at(11));
    expect(next.questions).toBe(room.questions);
  });

  test('nothing happens to a question that is not there', () => {
    expect(apply(room, upvoted(11, 'x', 1)).questions).toBe(room.questions);
  });

  test('the old state is never touched', () => {
    const before = structuredClone(room);
    run([upvoted(11, 'a', 8), removed(12, 'a')], room);
    expect(room).toEqual(before);
  });
});

describe('own changes', () => {
  const room = apply(emptyRoom, snapshot(10, [question('a', { upvotes: 3 })]));
  const mine = question('b', { isMine: true });

  test('answer, then echo: nothing doubles and the question stays mine', () => {
    const next = apply(merge(room, mine, at(11)), created(11, 'b'));
    expect([...next.questions.values()].filter((it) => it.id === 'b')).toEqual([mine]);
  });

  test('echo, then answer: the same', () => {
    expect(merge(apply(room, created(11, 'b')), mine, at(11)).questions.get('b')).toEqual(mine);
  });

  test('a late echo of an older count does not flicker', () => {
    const voted = merge(room, question('a', { upvotes: 6, hasUpvoted: true }), at(13));
    const counts = [
      upvoted(11, 'a', 4),
      upvoted(12, 'a', 5),
      upvoted(13, 'a', 6),
      upvoted(14, 'a', 7),
    ];
    let state = voted;
    const seen = counts.map((event) => {
      state = apply(state, event);
      return state.questions.get('a')?.upvotes;
    });
    expect(seen).toEqual([6, 6, 6, 7]);
  });

  test('a late answer brings the own part only', () => {
    const ahead = apply(room, upvoted(15, 'a', 9));
    const next = merge(ahead, question('a', { upvotes: 4, hasUpvoted: true }), at(11));
    expect(next.questions.get('a')).toMatchObject({ upvotes: 9, hasUpvoted: true });
  });

  test('answers that overtake each other leave the newer one standing', () => {
    const newer = merge(room, question('a', { upvotes: 6 }), at(13));
    const next = merge(newer, question('a', { upvotes: 4, hasUpvoted: true }), at(11));
    expect(next.questions.get('a')).toMatchObject({ upvotes: 6, hasUpvoted: true });
    expect(apply(next, upvoted(12, 'a', 5)).questions.get('a')?.upvotes).toBe(6);
  });

  test('a late answer does not bring a removed question back', () => {
    const gone = run([created(11, 'b'), removed(12, 'b')], room);
    expect(merge(gone, mine, at(11)).questions.has('b')).toBe(false);
  });

  test('an own removal is not undone by the echoes before it', () => {
    const next = run([created(11, 'b'), upvoted(12, 'b', 1)], mergeRemoval(room, 'b', at(13)));
    expect(next.questions.has('b')).toBe(false);
  });

  test('an answer that overtakes the snapshot survives it', () => {
    const early = merge(emptyRoom, mine, at(11));
    expect(apply(early, snapshot(10)).questions.get('b')).toEqual(mine);
    expect(apply(early, snapshot(12)).questions.has('b')).toBe(false);
  });

  test('a removal that overtakes the snapshot survives it', () => {
    const early = mergeRemoval(emptyRoom, 'b', at(11));
    expect(apply(early, snapshot(10, [mine])).questions.has('b')).toBe(false);
  });

  test('a position of another log is not trusted with more than the own part', () => {
    const next = merge(room, question('a', { upvotes: 50, hasUpvoted: true }), at(99, 'other'));
    expect(next.questions.get('a')).toMatchObject({ upvotes: 3, hasUpvoted: true });
  });

  test('of several answers that are ahead, none is forgotten for another', () => {
    const room = apply(emptyRoom, snapshot(10, [question('a'), question('b')]));
    const first = merge(room, question('a', { upvotes: 2 }), at(12));
    const both = merge(first, question('b', { upvotes: 9 }), at(13));
    expect(apply(both, upvoted(11, 'a', 1)).questions.get('a')?.upvotes).toBe(2);
    expect(apply(both, upvoted(11, 'b', 1)).questions.get('b')?.upvotes).toBe(9);
  });

  test('what the stream has caught up with is forgotten', () => {
    let state = merge(room, question('a', { upvotes: 4 }), at(11));
    state = apply(state, upvoted(11, 'a', 4));
    state = merge(state, mine, at(12));
    expect([...state.ahead.keys()]).toEqual(['b']);
  });
});

/**
 * A log made by a small model of the server, so that "as it really is" is known at every position. Removal is final, as
 * it is on the server: an id never comes back.
 */
const history = fc
  .array(fc.record({ kind: fc.nat(5), id: fc.nat(3) }), { maxLength: 40 })
  .map((choices) => {
    const truth = new Map<string, Question>();
    const dead = new Set<string>();
    const events: StreamEvent[] = [];
    const states: ReadonlyMap<string, Question>[] = [new Map()];
    for (const { kind, id } of choices) {
      const key = `q${id}`;
      const old = truth.get(key);
      const seq = events.length + 1;
      const position = at(seq);
      if (dead.has(key)) continue;
      if (!old) {
        truth.set(key, question(key));
        events.push(created(seq, key));
      } else if (kind === 0) {
        truth.delete(key);
        dead.add(key);
        events.push(removed(seq, key));
      } else if (kind === 1) {
        const isPinned = !old.isPinned;
        const updatedAt = `t${seq}`;
        truth.set(key, { ...old, isPinned, updatedAt });
        const data = { questionId: key, isPinned, pinnedBy: null, pinnedAt: null, updatedAt };
        events.push({ type: 'question:pinned', data, position });
      } else if (kind === 2) {
        const tags = old.tags.length > 0 ? [] : [{ id: 't', name: 'T', color: '#000' }];
        const updatedAt = `t${seq}`;
        truth.set(key, { ...old, tags, updatedAt });
        events.push({
          type: 'question:tagged',
          data: { questionId: key, tags, updatedAt },
          position,
        });
      } else {
        truth.set(key, { ...old, upvotes: old.upvotes + 1 });
        events.push(upvoted(seq, key, old.upvotes + 1));
      }
      states.push(new Map(truth));
    }
    return { events, states };
  });

interface History {
  events: StreamEvent[];
  states: ReadonlyMap<string, Question>[];
}

const snapshotOf = ({ states }: History, seq: number) =>
  snapshot(seq, [...(states[seq] ?? new Map<string, Question>()).values()]);

describe('properties', () => {
  test('a snapshot anywhere and the events after it give the newest state', () => {
    fc.assert(
      fc.property(history, fc.nat(), (log, choice) => {
        const seq = choice % log.states.length;
        const end = run([snapshotOf(log, seq), ...log.events.slice(seq)]);
        expect(end.questions).toEqual(log.states.at(-1));
        expect(end.position).toEqual(at(log.events.length));
      }),
    );
  });

  test('replaying from anywhere before changes nothing', () => {
    fc.assert(
      fc.property(history, fc.array(fc.nat(), { maxLength: 6 }), (log, rewinds) => {
        let state = apply(emptyRoom, snapshotOf(log, 0));
        for (const rewind of rewinds) {
          // A reconnect: what was missed comes, after some that had come already.
          const reached = rewind % (log.events.length + 1);
          state = run(log.events.slice(0, reached), state);
        }
        expect(run(log.events, state).questions).toEqual(log.states.at(-1));
      }),
    );
  });

  test('answers at any moment make no difference in the end, and never turn a count back', () => {
    const answers = fc.array(fc.record({ before: fc.nat(), of: fc.nat(), id: fc.nat(3) }), {
      maxLength: 12,
    });
    fc.assert(
      fc.property(history, answers, (log, choices) => {
        let state = apply(emptyRoom, snapshotOf(log, 0));
        const highest = new Map<string, number>();
        const look = () => {
          for (const { id, upvotes } of state.questions.values()) {
            expect(upvotes).toBeGreaterThanOrEqual(highest.get(id) ?? 0);
            highest.set(id, upvotes);
          }
        };
        log.events.forEach((event, index) => {
          for (const { before, of, id } of choices) {
            if (before % log.events.length !== index) continue;
            const seq = of % log.states.length;
            const answer = log.states[seq]?.get(`q${id}`);
            if (answer) state = merge(state, answer, at(seq));
            look();
          }
          state = apply(state, event);
          look();
        });
        expect(state.questions).toEqual(log.states.at(-1));
      }),
    );
  });
});
