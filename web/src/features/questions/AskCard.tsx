import { useRoom, type Ask } from '../../room';
import { Button } from '../../ui/Button';

export interface AskCardProps {
  ask: Ask;
  /** Puts the text back where it can be changed; null while something else is being written there. */
  onEdit: ((text: string) => void) | null;
}

/** An own question that the server has not confirmed: on its way, or sent back. */
export function AskCard({ ask, onEdit }: AskCardProps) {
  const { actions } = useRoom();
  const { error } = ask;
  const problems = error?.fields.body?.join(' ') ?? error?.detail;

  return (
    <article
      className={`rise rounded-2xl border border-dashed bg-surface p-3 sm:p-4 ${error && !ask.isUncertain ? 'border-danger' : 'border-edge'}`}
    >
      <p dir="auto" className="text-[1.0625rem] leading-snug whitespace-pre-line">
        {ask.body}
      </p>
      {error === null ? (
        <p className="mt-2 text-sm text-muted">Sending…</p>
      ) : ask.isUncertain ? (
        <>
          <p role="alert" className="mt-2 text-[0.9375rem]">
            <strong className="font-semibold">Not confirmed.</strong> The server has not answered,
            so your question may or may not have arrived. You will see it here as soon as you are
            connected again.
          </p>
          <div className="mt-2 flex flex-wrap gap-2">
            <Button look="quiet" onClick={() => actions.discardAsk(ask.key)}>
              Discard
            </Button>
          </div>
        </>
      ) : (
        <>
          <p role="alert" className="mt-2 text-[0.9375rem] text-danger">
            {error.isUncertain ? (
              <>
                <strong className="font-semibold">Not found yet.</strong> If you send it again, it
                may appear twice.
              </>
            ) : (
              <>
                <strong className="font-semibold">Not sent: {error.error}.</strong> {problems}
              </>
            )}
          </p>
          <div className="mt-2 flex flex-wrap gap-2">
            <Button look="filled" onClick={() => actions.askAgain(ask.key)}>
              Send again
            </Button>
            {onEdit && (
              <Button
                onClick={() => {
                  actions.discardAsk(ask.key);
                  onEdit(ask.body);
                }}
              >
                Edit
              </Button>
            )}
            <Button look="quiet" onClick={() => actions.discardAsk(ask.key)}>
              Discard
            </Button>
          </div>
        </>
      )}
    </article>
  );
}
