/** The server's resources, one function each. */
import type { Question, Session, Tag, Tenant } from '../wire';
import { createRequester, type Answer, type RequesterOptions } from './request';

export type Api = ReturnType<typeof createApi>;

export function createApi(root: string, tenant: string, options?: RequesterOptions) {
  const request = createRequester(root, tenant, options);
  const question = (id: string) => `/questions/${encodeURIComponent(id)}`;
  const value = <T>(answer: Promise<Answer<T>>) => answer.then((it) => it.value);

  return {
    session: (signal?: AbortSignal) =>
      value(request<Session>('GET', '/session', undefined, signal)),
    signIn: (token: string) => value(request<Session>('POST', '/session', { token })),
    signOut: () => value(request<undefined>('DELETE', '/session')),
    tenant: (signal?: AbortSignal) =>
      value(request<Tenant>('GET', '/tenants/current', undefined, signal)),

    ask: (body: string, teamId: string | null) =>
      request<Question>('POST', '/questions', teamId === null ? { body } : { body, teamId }),
    question: (id: string) => value(request<Question>('GET', question(id))),
    similar: (text: string, signal?: AbortSignal) =>
      value(
        request<Question[]>(
          'GET',
          `/questions/search?q=${encodeURIComponent(text)}`,
          undefined,
          signal,
        ),
      ),
    vote: (id: string, on: boolean) =>
      request<Question>(on ? 'POST' : 'DELETE', `${question(id)}/upvote`),
    remove: (id: string) => request<undefined>('DELETE', question(id)),

    answer: (id: string, response: string) =>
      request<Question>('POST', `${question(id)}/answer`, { response }),
    pin: (id: string, on: boolean) =>
      request<Question>(on ? 'PUT' : 'DELETE', `${question(id)}/pin`),
    freeze: (id: string, on: boolean) =>
      request<Question>(on ? 'PUT' : 'DELETE', `${question(id)}/freeze`),
    tag: (id: string, tagId: string, on: boolean) =>
      request<Question>(on ? 'PUT' : 'DELETE', `${question(id)}/tags/${encodeURIComponent(tagId)}`),
    createTag: (name: string) => request<Tag>('POST', '/tags', { name }),
  };
}
