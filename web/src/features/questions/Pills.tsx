import type { View } from '../../room';

const views: readonly { view: View; text: string; counted: boolean }[] = [
  { view: 'popular', text: 'Popular', counted: false },
  { view: 'recent', text: 'Recent', counted: false },
  { view: 'answered', text: 'Answered', counted: true },
  { view: 'mine', text: 'Mine', counted: true },
];

export interface PillsProps {
  view: View;
  counts: Record<View, number>;
  onView: (view: View) => void;
}

export function Pills({ view, counts, onView }: PillsProps) {
  return (
    <div role="group" aria-label="Which questions" className="flex flex-wrap gap-1.5">
      {views.map((it) => {
        const chosen = it.view === view;
        const count = counts[it.view];
        return (
          <button
            key={it.view}
            type="button"
            aria-pressed={chosen}
            onClick={() => onView(it.view)}
            className={`min-h-11 rounded-full px-3 text-[0.9375rem] sm:px-4 font-medium transition-colors ${
              chosen ? 'bg-ink text-canvas' : 'bg-sunken text-ink hover:bg-line'
            }`}
          >
            {it.text}
            {it.counted && count > 0 && ' '}
            {it.counted && count > 0 && (
              <span className={`ml-0.5 tabular-nums ${chosen ? 'opacity-80' : 'text-muted'}`}>
                {count}
              </span>
            )}
          </button>
        );
      })}
    </div>
  );
}
