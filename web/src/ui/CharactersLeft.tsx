import { charactersLeft } from '../text';

export interface CharactersLeftProps {
  /** For the `aria-describedby` of the field. */
  id: string;
  text: string;
  longest: number;
}

/** How much more a text may have, once it matters: within a fifth, at most 200, of the limit. */
export function CharactersLeft({ id, text, longest }: CharactersLeftProps) {
  const left = charactersLeft(text, longest);
  return (
    <p id={id} role="status" className="text-right text-sm tabular-nums">
      {left <= Math.min(200, longest / 5) && (
        <span className={left < 0 ? 'font-semibold text-danger' : 'text-muted'}>
          {left < 0 ? `${-left} too many` : `${left} left`}
        </span>
      )}
    </p>
  );
}
