/** Questions that were asked and are not confirmed outlive a reload of the page, for instance to another version. */
import { ApiError } from '../api';
import { keep, kept } from './keeping';
import { nothingPending, type Ask, type Pending } from './pending';
import type { Store } from './store';

type Kept = Pick<Ask, 'body' | 'teamId' | 'askedAt'>;

const interrupted = new ApiError(0, 'interrupted', 'Interrupted', 'The page was reloaded.');

const nameFor = (slug: string) => `unsent:${slug}`;

/** What was unsent when the page was left. Each may have arrived after all. */
export function unsent(slug: string): Pending {
  const asks = JSON.parse(kept(nameFor(slug)) ?? '[]') as Kept[];
  return {
    ...nothingPending,
    asks: asks.map((ask, index) => ({
      ...ask,
      key: `kept-${index}`,
      before: new Map(),
      questionId: null,
      error: interrupted,
      isUncertain: true,
    })),
  };
}

/** Keeps what is unsent, from now on. */
export function keepUnsent(slug: string, pending: Store<Pending>): () => void {
  return pending.subscribe(() => {
    const asks = pending.get().asks.filter((ask) => ask.questionId === null);
    const texts = asks.map(({ body, teamId, askedAt }): Kept => ({ body, teamId, askedAt }));
    keep(nameFor(slug), texts.length === 0 ? '' : JSON.stringify(texts));
  });
}
