import { createHash, randomBytes } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { TEST_CERTIFICATE, TEST_KEY } from './certificate.ts';

/*
 * A provider of OAuth 2.0 over HTTPS, for tests, and strict: it takes a code once, with its verifier and its redirect
 * alone, and a refresh token of its own.
 *
 *   const provider = await startOAuth({ rotates: true });
 *   … `${provider.url}/token`, `/device`, `/authorize` …
 *   provider.accepts('token'); provider.forgetAccess(); await provider.close();
 */
export interface OAuthOptions {
  /** Default `client`, and none. */
  readonly clientId?: string;
  readonly secret?: string;
  /** A refresh token is good once. */
  readonly rotates?: boolean;
  /** Seconds that access tokens are good for. Default 3600. */
  readonly expiresIn?: number;
  /** What devices are told before yes. */
  readonly deviceAnswers?: readonly string[];
  /** Answers in the place of it. */
  readonly answer?: (request: OAuthRequest, response: ServerResponse) => boolean;
}

export interface OAuthRequest {
  readonly path: string;
  readonly form: Readonly<Record<string, string>>;
}

export interface OAuthServer {
  readonly url: string;
  readonly port: number;
  readonly requests: readonly OAuthRequest[];
  /** Replaces the option. */
  answer: OAuthOptions['answer'];
  accepts(access: string): boolean;
  /** As if somebody had logged in. */
  grant(): { readonly access_token: string; readonly refresh_token?: string };
  /** Those given so far are worth nothing. */
  forgetAccess(): void;
  forgetRefresh(): void;
  close(): Promise<void>;
}

interface Code {
  readonly challenge: string;
  readonly redirect: string;
}

export async function startOAuth(options: OAuthOptions = {}): Promise<OAuthServer> {
  const { clientId = 'client', secret, rotates = false, expiresIn = 3600 } = options;
  const requests: OAuthRequest[] = [];
  const access = new Set<string>();
  const refresh = new Set<string>();
  const codes = new Map<string, Code>();
  const devices = new Map<string, string[]>();
  const chance = (prefix: string): string => `${prefix}.${randomBytes(12).toString('base64url')}`;
  const state: { answer: OAuthOptions['answer'] } = { answer: options.answer };

  function grant(withRefresh: boolean): ReturnType<OAuthServer['grant']> {
    const token = chance('access');
    access.add(token);
    const answer = { access_token: token, token_type: 'Bearer', expires_in: expiresIn };
    if (!withRefresh) return answer;
    const again = chance('refresh');
    refresh.add(again);
    return { ...answer, refresh_token: again };
  }

  function byRefresh(given: string): object | string {
    if (!refresh.has(given)) return 'invalid_grant';
    if (rotates) refresh.delete(given);
    return grant(rotates);
  }

  function byCode({ code = '', code_verifier = '', redirect_uri }: OAuthRequest['form']): object | string {
    const known = codes.get(code);
    codes.delete(code);
    const challenge = createHash('sha256').update(code_verifier).digest('base64url');
    return known?.challenge === challenge && known.redirect === redirect_uri ? grant(true) : 'invalid_grant';
  }

  function byDevice(device: string): object | string {
    const answers = devices.get(device);
    if (answers === undefined) return 'invalid_grant';
    return answers.shift() ?? grant(true);
  }

  function token(form: OAuthRequest['form']): object | string {
    if (form.client_id !== clientId || form.client_secret !== secret) return 'invalid_client';
    switch (form.grant_type) {
      case 'refresh_token':
        return byRefresh(form.refresh_token ?? '');
      case 'authorization_code':
        return byCode(form);
      case 'urn:ietf:params:oauth:grant-type:device_code':
        return byDevice(form.device_code ?? '');
      case 'client_credentials':
        return secret === undefined ? 'unauthorized_client' : grant(false);
      default:
        return 'unsupported_grant_type';
    }
  }

  function deviceCode(): object {
    const device = chance('device');
    devices.set(device, [...(options.deviceAnswers ?? [])]);
    const place = { user_code: 'WDJB-MJHT', verification_uri: 'https://login.test/device' };
    return { device_code: device, ...place, interval: 1, expires_in: 900 };
  }

  function authorize(form: OAuthRequest['form'], response: ServerResponse): void {
    const { redirect_uri = '', state: given = '', code_challenge = '', client_id } = form;
    if (client_id !== clientId || form.code_challenge_method !== 'S256') {
      reply(response, 400, { error: 'no' });
      return;
    }
    const code = chance('code');
    codes.set(code, { challenge: code_challenge, redirect: redirect_uri });
    const back = new URL(redirect_uri);
    back.searchParams.set('code', code);
    back.searchParams.set('state', given);
    response.writeHead(302, { location: back.href }).end();
  }

  function respond(request: OAuthRequest, response: ServerResponse): void {
    if (state.answer?.(request, response) === true) return;
    if (request.path === '/authorize') {
      authorize(request.form, response);
      return;
    }
    const answer =
      request.path === '/token' ? token(request.form) : request.path === '/device' ? deviceCode() : 'not_found';
    if (typeof answer === 'string') reply(response, 400, { error: answer, error_description: `No: ${answer}.` });
    else reply(response, 200, answer);
  }

  const server = createServer({ cert: TEST_CERTIFICATE, key: TEST_KEY }, async (request, response) => {
    const url = new URL(request.url ?? '/', 'https://x');
    const text = request.method === 'POST' ? await bodyOf(request) : url.search;
    const asked = { path: url.pathname, form: Object.fromEntries(new URLSearchParams(text)) };
    requests.push(asked);
    respond(asked, response);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `https://127.0.0.1:${port}`,
    port,
    requests,
    get answer() {
      return state.answer;
    },
    set answer(answer) {
      state.answer = answer;
    },
    accepts: (given) => access.has(given),
    grant: () => grant(true),
    forgetAccess: () => access.clear(),
    forgetRefresh: () => refresh.clear(),
    async close() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

async function bodyOf(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk);
  return Buffer.concat(chunks).toString();
}

export function reply(response: ServerResponse, status: number, content: object): void {
  response.writeHead(status, { 'content-type': 'application/json;charset=UTF-8' }).end(JSON.stringify(content));
}
