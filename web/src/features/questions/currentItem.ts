import type { Item } from '../../room';
import { arrived, patched, type Pending } from '../../room';
import type { Question } from '../../wire';

/** What became of an item that is no longer in its view: as it is now, or null if it is gone. */
export function currentItem(
  item: Item,
  questions: ReadonlyMap<string, Question>,
  pending: Pending,
): Item | null {
  const known =
    questions.get(item.question.id) ?? (item.ask === null ? null : arrived(item.ask, questions));
  const question = known && patched(pending, known);
  return question ? { key: item.key, question, ask: null } : null;
}
