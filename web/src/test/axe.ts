import axe from 'axe-core';

/** The accessibility problems of the page, one line each. Colours need a real browser and are not looked at here. */
export async function problemsOf(element: Element): Promise<string[]> {
  const { violations } = await axe.run(element, {
    rules: { 'color-contrast': { enabled: false } },
  });
  return violations.flatMap((it) =>
    it.nodes.map((node) => `${it.id}: ${it.help}: ${node.html.slice(0, 120)}`),
  );
}
