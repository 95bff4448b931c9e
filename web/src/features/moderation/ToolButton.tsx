import type { ComponentProps } from 'react';
import { Icon } from '../../ui/Icon';

export interface ToolButtonProps extends ComponentProps<'button'> {
  icon: ComponentProps<typeof Icon>['name'];
  text: string;
}

/** One of the moderator's tools; filled while what it switches is on. */
export function ToolButton({ icon, text, ...rest }: ToolButtonProps) {
  const on = rest['aria-pressed'] === true || rest['aria-expanded'] === true;
  return (
    <button
      type="button"
      {...rest}
      className={`flex min-h-11 items-center gap-1.5 rounded-xl px-2.5 text-sm font-medium transition-colors disabled:cursor-not-allowed disabled:opacity-55 ${
        on ? 'bg-accent-soft text-accent-text' : 'text-muted hover:bg-sunken hover:text-ink'
      }`}
    >
      <Icon name={icon} />
      {text}
    </button>
  );
}
