import { get } from 'node:http';
import { connect } from 'node:net';
import { describe, expect, onTestFinished, test } from 'vitest';
import { codeLogin } from '../../src/oauth/code.ts';
import { deviceLogin } from '../../src/oauth/device.ts';
import type { Provider } from '../../src/oauth/grant.ts';
import { PostError } from '../../src/oauth/post.ts';
import { type Redirect, waitForBrowser } from '../../src/oauth/redirect.ts';

const GRANTED = { access_token: 'access', token_type: 'Bearer', refresh_token: 'refresh' };

/** A provider that gives these answers in turn; an Error is thrown. */
function provider(answers: readonly (object | Error)[]) {
  const forms: Readonly<Record<string, string>>[] = [];
  const waiting = [...answers];
  const made: Provider = {
    client: {
      ...{ id: 'client', tokenUrl: 'https://p.test/token', deviceUrl: 'https://p.test/device', scope: 'mail offline' },
      ...{
        authUrl: 'https://p.test/auth?keep=1',
        flow: 'device',
        redirectHost: '127.0.0.1',
        extra: { prompt: 'consent' },
      },
    },
    async post(_, form) {
      forms.push(form);
      const answer = waiting.shift();
      if (answer === undefined) throw new Error('asked once too often');
      if (answer instanceof Error) throw answer;
      return { status: 'error' in answer ? 400 : 200, type: 'application/json', body: JSON.stringify(answer) };
    },
    secret: async () => undefined,
  };
  return { provider: made, forms };
}

describe('deviceLogin()', () => {
  const CODE = {
    device_code: 'd',
    user_code: 'ABCD',
    verification_uri: 'https://p.test/d',
    interval: 2,
    expires_in: 60,
  };

  async function login(answers: readonly (object | Error)[]) {
    const { provider: made, forms } = provider(answers);
    const pauses: number[] = [];
    const told: object[] = [];
    let clock = 0;
    const result = await deviceLogin(made, {
      tell: (place) => void told.push(place),
      now: () => clock,
      async sleep(milliseconds) {
        pauses.push(milliseconds);
        clock += milliseconds;
      },
    });
    return { result, forms, pauses, told };
  }

  test('asks with pauses, longer where it is told to or is not heard, until there is an answer', async () => {
    const { result, forms, pauses, told } = await login([
      ...[CODE, { error: 'authorization_pending' }, { error: 'slow_down' }, new PostError('lost'), GRANTED],
    ]);
    expect(result).toEqual({ kind: 'granted', access: 'access', refresh: 'refresh', lifetime: 3_600_000 });
    expect(pauses).toEqual([2000, 2000, 7000, 12_000]);
    expect(told).toEqual([{ url: 'https://p.test/d', code: 'ABCD', lifetime: 60_000 }]);
    expect(forms[0]).toEqual({ client_id: 'client', scope: 'mail offline' });
    expect(forms[1]).toEqual({
      ...{ client_id: 'client', device_code: 'd', grant_type: 'urn:ietf:params:oauth:grant-type:device_code' },
    });
  });

  test('ends when the person says no, and when the code is too old', async () => {
    expect((await login([CODE, { error: 'access_denied' }])).result).toMatchObject({ error: 'access_denied' });
    const slow = { ...CODE, interval: 25 };
    const { result, pauses } = await login([
      slow,
      { error: 'authorization_pending' },
      { error: 'authorization_pending' },
    ]);
    expect(result).toMatchObject({ error: 'expired_token' });
    expect(pauses).toEqual([25_000, 25_000]);
  });

  test('tells nobody of a code that it did not get', async () => {
    const { result, told } = await login([{ error: 'invalid_client' }]);
    expect([result.kind, told]).toEqual(['error', []]);
  });
});

/** The status and text of a page of ours. */
function fetched(url: string, headers: Record<string, string> = {}, method = 'GET'): Promise<string> {
  return new Promise((resolve, reject) => {
    const request = get(url, { headers, method }, (response) => {
      let text = `${response.statusCode} `;
      response.setEncoding('utf8').on('data', (part: string) => {
        text += part;
      });
      response.on('end', () => resolve(text.trim()));
    });
    request.on('error', reject).end();
  });
}

async function waiting(timeout?: number): Promise<Redirect> {
  const redirect = await waitForBrowser({
    host: '127.0.0.1',
    state: 's3',
    ...(timeout === undefined ? {} : { timeout }),
  });
  onTestFinished(() => redirect.close());
  return redirect;
}

describe('waitForBrowser()', () => {
  test('takes the one request that has the state, and lets all others change nothing', async () => {
    const { url, back } = await waiting();
    expect(await fetched(`${url}favicon.ico`)).toBe('404 Nothing here.');
    expect(await fetched(`${url}?code=evil`)).toBe('400 This is not the login that was begun.');
    expect(await fetched(`${url}?code=evil&state=s4`)).toBe('400 This is not the login that was begun.');
    expect(await fetched(`${url}?error=access_denied&state=`)).toBe('400 This is not the login that was begun.');
    expect(await fetched(`${url}?state=s3`)).toBe('400 There is no code.');
    expect(await fetched(`${url}?code=evil&state=s3`, { host: 'rebound.test' })).toBe('400 Another host.');
    expect(await fetched(`${url}?code=evil&state=s3`, {}, 'POST')).toBe('405 Only GET.');
    expect(await fetched(`${url}?code=good&state=s3`)).toBe('200 Thank you. You can close this window.');
    expect(await back).toEqual({ kind: 'code', code: 'good' });
  });

  test('tells a refusal in words that spoil no terminal', async () => {
    const { url, back } = await waiting();
    const page = await fetched(`${url}?error=access_denied&error_description=no%1b%5b2J&state=s3`);
    expect(page).toBe('200 The login was refused. You can close this window.');
    expect(await back).toMatchObject({ kind: 'error', text: '"access_denied": "no\\x1b[2J"' });
  });

  test('is on loopback alone, and bears what is no HTTP and more than a header should have', async () => {
    const { url, back } = await waiting();
    const port = Number(new URL(url).port);
    const answer = (bytes: string): Promise<string> =>
      new Promise((resolve) => {
        let text = '';
        const socket = connect(port, '127.0.0.1', () => socket.write(bytes));
        socket.setEncoding('latin1').on('data', (part: string) => {
          text += part;
        });
        socket.on('error', () => {}).on('close', () => resolve(text));
      });
    expect(await answer('\x16\x03\x01hello\r\n\r\n')).toBe('');
    expect(await answer(`GET /?${'x'.repeat(20_000)} HTTP/1.1\r\n\r\n`)).toBe('');
    expect(await fetched(`${url}?code=good&state=s3`)).toMatch(/^200 /);
    expect(await back).toMatchObject({ kind: 'code' });
  });

  test('waits no longer than it may', async () => {
    expect(await (await waiting(1)).back).toMatchObject({ kind: 'error', error: 'expired_token' });
  });
});

describe('codeLogin()', () => {
  test('shows the verifier of the challenge that was in the link, to the endpoint alone', async () => {
    const { provider: made, forms } = provider([GRANTED]);
    let link = new URL('https://x.test/');
    let state = '';
    const closed: string[] = [];
    const result = await codeLogin(made, {
      user: 'ann@p.test',
      tell(url) {
        link = new URL(url);
      },
      async listen(wanted) {
        state = wanted;
        const back = Promise.resolve({ kind: 'code', code: 'c' } as const);
        return { url: 'http://127.0.0.1:9/', back, close: () => closed.push('closed') };
      },
    });
    expect(result).toMatchObject({ kind: 'granted', refresh: 'refresh' });
    expect(closed).toEqual(['closed']);
    const { code_challenge, state: shown, ...parameters } = Object.fromEntries(link.searchParams);
    expect(parameters).toEqual({
      ...{
        keep: '1',
        response_type: 'code',
        client_id: 'client',
        redirect_uri: 'http://127.0.0.1:9/',
        prompt: 'consent',
      },
      ...{ scope: 'mail offline', code_challenge_method: 'S256', login_hint: 'ann@p.test' },
    });
    expect(shown).toBe(state);
    expect(state).toMatch(/^[\w-]{32}$/);
    const { code_verifier, ...form } = forms[0] ?? {};
    expect(form).toEqual({
      ...{ client_id: 'client', grant_type: 'authorization_code', code: 'c', redirect_uri: 'http://127.0.0.1:9/' },
    });
    // RFC 7636, section 4.1: 43 to 128 characters.
    expect(code_verifier).toMatch(/^[\w-]{64}$/);
    const { createHash } = await import('node:crypto');
    expect(
      createHash('sha256')
        .update(code_verifier ?? '')
        .digest('base64url'),
    ).toBe(code_challenge);
  });
});
