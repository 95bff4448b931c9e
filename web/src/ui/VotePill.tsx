import { Icon } from './Icon';

export interface VotePillProps {
  votes: number;
  voted: boolean;
  /** The server has not confirmed it yet. It looks so after a moment; most answers are faster. */
  pending: boolean;
  /** Why voting is impossible; null if it is possible. */
  reason: string | null;
  onVote: (want: boolean) => void;
  /** Tapped although it is impossible: a chance to say why, since a phone shows no tooltips. */
  onRefused: (reason: string) => void;
}

/**
 * Outline, then filled; tap again to undo. When voting is impossible it stays focusable and says why, which a really
 * disabled button could not do.
 */
export function VotePill({ votes, voted, pending, reason, onVote, onRefused }: VotePillProps) {
  const look =
    reason !== null
      ? 'border-line bg-sunken text-muted cursor-not-allowed'
      : voted
        ? 'border-accent bg-accent text-accent-ink'
        : 'border-edge bg-surface hover:border-accent hover:text-accent-text';
  return (
    <button
      type="button"
      aria-pressed={voted}
      aria-busy={pending}
      aria-disabled={reason !== null}
      aria-label={`Vote, ${votes} so far${reason === null ? '' : `. ${reason}`}`}
      title={reason ?? undefined}
      onClick={() => (reason === null ? onVote(!voted) : onRefused(reason))}
      className={`flex min-h-14 w-14 shrink-0 flex-col self-start items-center justify-center rounded-xl border-[1.5px] transition-[background-color,color,border-color,scale] active:scale-95 ${look} ${pending ? 'unconfirmed' : ''}`}
    >
      <Icon name={voted ? 'check' : 'up'} className="size-4" />
      <span className="text-base leading-tight font-bold tabular-nums">{votes}</span>
    </button>
  );
}
