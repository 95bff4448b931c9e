/** What is shown when the page's code can't be loaded, without any of it. It looks like a `MessagePage`. */
export function offerReload(reason: unknown): void {
  console.error(reason);
  const button = element('button', buttonLook, 'Reload the page');
  button.onclick = () => window.location.reload();
  const text = element('p', 'text-muted', 'Check your connection, then reload the page.');
  text.role = 'alert';
  const main = element('main', pageLook);
  main.append(element('h1', headingLook, 'The page can’t be loaded'), text, button);
  document.body.replaceChildren(main);
}

const pageLook = 'gutter mx-auto flex min-h-dvh max-w-md flex-col justify-center gap-4 py-10';
const headingLook = 'text-2xl font-bold tracking-tight';
const buttonLook = 'min-h-11 rounded-xl border border-edge bg-surface px-3.5 hover:bg-sunken';

function element<K extends keyof HTMLElementTagNameMap>(name: K, look: string, text = '') {
  const made = document.createElement(name);
  made.className = look;
  made.textContent = text;
  return made;
}
