/** The path prefix that PulseStage is served below, e.g. "/qa"; empty at the top of a host. The server writes it. */
export function rootPath(page: Document = document): string {
  const meta = page.querySelector<HTMLMetaElement>('meta[name="pulsestage-root"]');
  const path = (meta?.content ?? '').replace(/\/+$/, '');
  return path === '' || path.startsWith('/') ? path : `/${path}`;
}
