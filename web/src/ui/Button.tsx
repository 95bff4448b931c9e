import type { ComponentProps } from 'react';

type Look = 'filled' | 'outline' | 'quiet' | 'danger';

const looks: Record<Look, string> = {
  filled: 'bg-accent text-accent-ink hover:brightness-110 font-semibold',
  outline: 'border border-edge bg-surface hover:bg-sunken font-medium',
  quiet: 'text-muted hover:bg-sunken hover:text-ink font-medium',
  danger: 'border border-danger text-danger hover:bg-danger-soft font-semibold',
};

export interface ButtonProps extends ComponentProps<'button'> {
  look?: Look;
}

/** At least 44 px high everywhere: people tap it while walking. */
export function Button({ look = 'outline', className = '', ...rest }: ButtonProps) {
  return (
    <button
      type="button"
      {...rest}
      className={`inline-flex min-h-11 items-center justify-center gap-1.5 rounded-xl px-3.5 text-[0.9375rem] transition-colors disabled:cursor-not-allowed disabled:opacity-55 disabled:hover:brightness-100 ${looks[look]} ${className}`}
    />
  );
}
