/** Questions that were asked and are not confirmed outlive a reload of the page, for instance to another version. */
import { ApiError } from '../api';
import { keep, keptList } from './keeping';
import { nothingPending, type Ask, type Pending } from './pending';
import type { Store } from './store';

type KeptError = Pick<ApiError, 'status' | 'code' | 'error' | 'detail'>;

interface Kept extends Pick<Ask, 'body' | 'teamId' | 'askedAt' | 'isUncertain'> {
  before: string[];
  error: KeptError | null;
}

const interrupted: KeptError = {
  status: 0,
  code: 'interrupted',
  error: 'Interrupted',
  detail: 'The page was reloaded.',
};

const nameFor = (slug: string) => `unsent:${slug}`;

/** What was unsent when the page was left. */
export function unsent(slug: string): Pending {
  return { ...nothingPending, asks: keptList(nameFor(slug), isKept).map(restore) };
}

/** Keeps what is unsent, from now on. */
export function keepUnsent(slug: string, pending: Store<Pending>): () => void {
  return pending.subscribe(() => {
    const list = pending.get().asks.filter((ask) => ask.questionId === null);
    keep(nameFor(slug), list.length === 0 ? '' : JSON.stringify(list.map(toKeep)));
  });
}

/** A question that is on its way when the page is left may or may not arrive. */
function toKeep({ body, teamId, askedAt, before, error, isUncertain }: Ask): Kept {
  return {
    body,
    teamId,
    askedAt,
    before: [...before],
    isUncertain: isUncertain || error === null,
    error: error && {
      status: error.status,
      code: error.code,
      error: error.error,
      detail: error.fields.body?.join(' ') ?? error.detail,
    },
  };
}

function restore({ before, error, ...rest }: Kept, index: number): Ask {
  const { status, code, error: what, detail } = error ?? interrupted;
  return {
    ...rest,
    key: `kept-${index}`,
    before: new Set(before),
    questionId: null,
    error: new ApiError(status, code, what, detail),
  };
}

function isKept(value: unknown): value is Kept {
  return (
    isObject(value) &&
    areTexts(value.body, value.askedAt, value.teamId ?? '') &&
    typeof value.isUncertain === 'boolean' &&
    Array.isArray(value.before) &&
    (value.error === null || isKeptError(value.error))
  );
}

function isKeptError(value: unknown): value is KeptError {
  return (
    isObject(value) &&
    typeof value.status === 'number' &&
    areTexts(value.code, value.error, value.detail)
  );
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null;
}

function areTexts(...values: unknown[]): boolean {
  return values.every((value) => typeof value === 'string');
}
