import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import type { Client } from '../../src/oauth/client.ts';
import { type Answer, PostError } from '../../src/oauth/post.ts';
import { createCommandSource, createSource, type OAuthAccount } from '../../src/oauth/source.ts';
import { openTokenFile, type Tokens, tokensInMemory } from '../../src/oauth/token-file.ts';
import { scratchFolder } from '../support/spool.ts';

const CLIENT: Client = {
  ...{ id: 'client', tokenUrl: 'https://p.test/token', flow: 'device', redirectHost: '127.0.0.1', extra: {} },
};
const NOW = 1_700_000_000_000;
const HOUR = 3_600_000;
const KNOWN: Tokens = { refresh: 'r1', access: 'a1', issued: NOW - HOUR / 2, expires: NOW + HOUR / 2 };

const json = (content: object, status = 200): Answer => ({
  ...{ status, type: 'application/json', body: JSON.stringify(content) },
});
const grantOf = (access: string, refresh?: string): Answer =>
  json({ access_token: access, token_type: 'Bearer', expires_in: 3600, refresh_token: refresh });

interface Wish {
  readonly known?: Tokens | undefined;
  readonly client?: Partial<Client>;
  readonly secret?: () => Promise<string | undefined>;
}

/** An account with these tokens, and a provider that gives these answers in turn. */
async function account(answers: readonly (Answer | Error)[], wish: Wish = {}) {
  const { known = KNOWN, secret = async () => undefined } = wish;
  const client = { ...CLIENT, ...wish.client };
  const path = join(scratchFolder(), 'state', 'tokens', 'work.json');
  const file = openTokenFile({ path, client, now: () => NOW, sleep: () => new Promise((wake) => setImmediate(wake)) });
  if (!('known' in wish) || wish.known !== undefined) file.begin().commit(known);
  const forms: Readonly<Record<string, string>>[] = [];
  const waiting = [...answers];
  const made: OAuthAccount = {
    ...{ name: 'work', user: 'ann', client, file, secret, now: () => NOW },
    async post(_, form) {
      forms.push(form);
      const answer = waiting.shift();
      if (answer === undefined) throw new Error('asked once too often');
      if (answer instanceof Error) throw answer;
      return answer;
    },
  };
  return { source: createSource(made), file, forms, path };
}

describe('createSource()', () => {
  test('gives the token that is there, and asks nobody', async () => {
    const { source, forms } = await account([]);
    expect(await source.current()).toBe('a1');
    expect(forms).toEqual([]);
  });

  test.each([
    ['it ends within a minute', { expires: NOW + 59_000 }],
    ['it was given in the future', { issued: NOW + 1000, expires: NOW + HOUR }],
  ])('fetches another one where %s', async (_, over) => {
    const { source, forms, file } = await account([grantOf('a2')], { known: { ...KNOWN, ...over } });
    expect(await source.current()).toBe('a2');
    expect(forms).toEqual([{ client_id: 'client', grant_type: 'refresh_token', refresh_token: 'r1' }]);
    expect(file.read()).toEqual({ refresh: 'r1', access: 'a2', issued: NOW, expires: NOW + HOUR });
  });

  test('keeps the refresh token that comes with it', async () => {
    const { source, file } = await account([grantOf('a2', 'r2')], { known: { refresh: 'r1' } });
    await source.current();
    expect(file.read()?.refresh).toBe('r2');
  });

  test('asks once for many who need one', async () => {
    const { source, forms } = await account([grantOf('a2', 'r2')], { known: { refresh: 'r1' } });
    expect(await Promise.all([1, 2, 3, 4, 5].map(() => source.current()))).toEqual(Array(5).fill('a2'));
    expect(forms).toHaveLength(1);
  });

  test('replaces one that was refused, but not one that is new', async () => {
    const { source, forms } = await account([grantOf('a2')]);
    expect(await source.instead('a1')).toBe('a2');
    expect(await source.instead('a1')).toBe('a2');
    expect(await source.instead('a2')).toBeUndefined();
    expect(forms).toHaveLength(1);
  });

  test('keeps tokens in memory where there is no place for a file', async () => {
    const forms: object[] = [];
    const made: OAuthAccount = {
      ...{ name: 'work', user: 'ann', client: { ...CLIENT, flow: 'client' }, file: tokensInMemory(), now: () => NOW },
      async post(_, form) {
        forms.push(form);
        return grantOf(`a${forms.length}`);
      },
      secret: async () => 'shh',
    };
    const source = createSource(made);
    expect(await Promise.all([source.current(), source.current()])).toEqual(['a1', 'a1']);
    expect(forms).toHaveLength(1);
  });

  test('needs no refresh token where the client logs in itself', async () => {
    const client = { flow: 'client', scope: 's' } as const;
    const { source, forms, file } = await account([grantOf('a2')], {
      ...{ known: undefined, client, secret: async () => 'shh' },
    });
    expect(await source.current()).toBe('a2');
    expect(forms).toEqual([
      { client_id: 'client', client_secret: 'shh', grant_type: 'client_credentials', scope: 's' },
    ]);
    expect(file.read()).toEqual({ access: 'a2', issued: NOW, expires: NOW + HOUR });
  });

  const deferred = (name: string, answer: Answer | Error, want: { status: string; text: string }) =>
    test(`has the mail wait where ${name}`, async () => {
      const { source, file } = await account([answer], { known: { refresh: 'r1' } });
      expect(await source.current()).toEqual({
        ...{ scope: 'destination', permanent: false, stage: 'auth', status: want.status },
        text: `Cannot get access token for account "work": ${want.text}`,
      });
      expect(file.read()).toEqual({ refresh: 'r1' });
    });
  deferred('the login has ended', json({ error: 'invalid_grant' }, 400), {
    ...{ status: '4.3.5', text: 'invalid_grant; run "posthaste login work"' },
  });
  deferred('the provider wants to see the person', json({ error: 'interaction_required' }, 400), {
    ...{ status: '4.3.5', text: 'interaction_required; run "posthaste login work"' },
  });
  deferred('the client is wrong', json({ error: 'invalid_client' }, 401), {
    ...{
      status: '4.3.5',
      text: 'invalid_client; check client_id, client_secret_file and scope in [account.work.oauth]',
    },
  });
  deferred('the provider is busy', json({ error: 'temporarily_unavailable' }, 400), {
    ...{ status: '4.4.0', text: 'temporarily_unavailable' },
  });
  deferred(
    'there is a page',
    { status: 502, type: 'text/html', body: '' },
    {
      ...{ status: '4.4.0', text: 'p.test: its answer is no JSON (status 502, "text/html")' },
    },
  );
  deferred('nobody answers', new PostError('p.test: connection refused'), {
    ...{ status: '4.4.1', text: 'p.test: connection refused' },
  });

  test('has the mail wait where nobody has logged in, or as another client', async () => {
    const text = 'Cannot get access token for account "work": nobody has logged in; run "posthaste login work"';
    const { source, forms } = await account([], { known: undefined });
    expect(await source.current()).toMatchObject({ permanent: false, status: '4.7.0', text });
    // What one client was given is shown to no other endpoint, and to no other client.
    const { path } = await account([]);
    for (const over of [{ tokenUrl: 'https://evil.test/' }, { id: 'other' }, { scope: 'more' }]) {
      const other = { ...CLIENT, ...over };
      expect(openTokenFile({ path, client: other, now: () => NOW, sleep: async () => {} }).read()).toBeUndefined();
    }
    expect(forms).toEqual([]);
  });

  test('has the mail wait where the secret can’t be read, and asks nobody', async () => {
    const secret = () => Promise.reject(Object.assign(new Error('Cannot read client secret: no'), { exit: 77 }));
    const { source, forms } = await account([], { known: { refresh: 'r1' }, secret });
    expect(await source.current()).toMatchObject({
      status: '4.3.5',
      text: expect.stringMatching(/client secret: no$/),
    });
    expect(forms).toEqual([]);
  });

  test('lets a bug be seen', async () => {
    const { source } = await account([new Error('a bug')], { known: { refresh: 'r1' } });
    await expect(source.current()).rejects.toThrow('a bug');
  });
});

describe('createCommandSource()', () => {
  test('takes another token only where it is another', async () => {
    const tokens = ['a', 'b', 'b'];
    const source = createCommandSource('work', async () => tokens.shift() ?? '');
    expect([await source.current(), await source.instead('a'), await source.instead('b')]).toEqual([
      'a',
      'b',
      undefined,
    ]);
  });

  test('has the mail wait where the command fails', async () => {
    const failing = () => Promise.reject(Object.assign(new Error('Cannot read access token: no'), { exit: 77 }));
    expect(await createCommandSource('work', failing).current()).toMatchObject({ permanent: false, status: '4.3.5' });
  });
});
