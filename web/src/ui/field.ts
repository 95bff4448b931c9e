/** How text fields look. 16 px of text, since phones zoom into anything smaller. */
export const field =
  'w-full rounded-xl border border-edge bg-surface px-3 py-2.5 text-base placeholder:text-muted ' +
  'focus-visible:outline-2 focus-visible:outline-offset-0 focus-visible:outline-accent';
