import type { ServerResponse } from 'node:http';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { grant, type Provider } from '../../src/oauth/grant.ts';
import { createPost, type PostOptions } from '../../src/oauth/post.ts';
import { TEST_CERTIFICATE } from '../support/certificate.ts';
import { type OAuthServer, reply, startOAuth } from '../support/oauth-server.ts';
import { startSocksServer } from '../support/socks-server.ts';

let server: OAuthServer;
beforeAll(async () => {
  server = await startOAuth();
});
afterEach(() => {
  server.answer = undefined;
});
afterAll(() => server.close());

const OPTIONS: PostOptions = { ca: TEST_CERTIFICATE, minVersion: 'TLSv1.2', network: { ip: 'any' } };

const provider = (over: Partial<PostOptions> = {}, tokenUrl = `${server.url}/token`): Provider => ({
  client: { id: 'client', tokenUrl, flow: 'device', extra: {}, redirectHost: '127.0.0.1' },
  post: createPost({ ...OPTIONS, ...over }),
  secret: async () => undefined,
});

/** What comes of a request that a server answers so. */
async function answered(act: (response: ServerResponse) => void, over: Partial<PostOptions> = {}) {
  server.answer = (_, response) => {
    act(response);
    return true;
  };
  return grant(provider(over), { grant_type: 'refresh_token', refresh_token: 'secret-refresh' });
}

const unreachable = (reason: string) => ({ kind: 'unreachable', reason: `127.0.0.1:${server.port}: ${reason}` });
const nonsense = (reason: string) => ({ kind: 'nonsense', reason });

describe('a token endpoint that', () => {
  test('sends more and more is cut off', async () => {
    const found = await answered((response) => {
      response.writeHead(200, { 'content-type': 'application/json' });
      const more = (): void => {
        if (response.destroyed) return;
        response.write(' '.repeat(60_000), more);
      };
      more();
    });
    expect(found).toEqual(unreachable('its answer is too large'));
  });

  test('says nothing, or never ends, is waited for no longer than allowed', async () => {
    const late = unreachable('no answer within 0.2 s');
    expect(await answered(() => {}, { timeout: 200 })).toEqual(late);
    const begun = await answered(
      (response) => {
        response.writeHead(200, { 'content-type': 'application/json' });
        response.write('{"access_token":');
      },
      { timeout: 200 },
    );
    expect(begun).toEqual(late);
  });

  test('hangs up has not answered', async () => {
    expect(await answered((response) => response.destroy())).toMatchObject({ kind: 'unreachable' });
    const half = await answered((response) => {
      response.writeHead(200, { 'content-type': 'application/json', 'content-length': '100' });
      response.write('{"access_token":', () => response.destroy());
    });
    expect(half).toEqual(unreachable('the connection was lost'));
  });

  test('leads elsewhere is not followed', async () => {
    const before = server.requests.length;
    const found = await answered((response) => response.writeHead(307, { location: `${server.url}/other` }).end());
    expect(found).toEqual(nonsense('it leads elsewhere (status 307)'));
    expect(server.requests.slice(before).map(({ path }) => path)).toEqual(['/token']);
  });

  test('shows a page is not understood', async () => {
    const page = (status: number) => (response: ServerResponse) =>
      void response.writeHead(status, { 'content-type': 'text/html' }).end('<h1>Sign in to the Wi-Fi</h1>');
    expect(await answered(page(200))).toEqual(nonsense('its answer is no JSON (status 200, "text/html")'));
    expect(await answered(page(500))).toEqual(nonsense('its answer is no JSON (status 500, "text/html")'));
  });

  test('repeats our secrets does not get them into an error', async () => {
    const found = await answered((response) =>
      reply(response, 400, { error: 'invalid_grant', error_description: 'Bad token secret-refresh!' }),
    );
    expect(found).toMatchObject({
      kind: 'error',
      error: 'invalid_grant',
      text: 'invalid_grant: "Bad token <secret>!"',
    });
  });

  test('has no certificate that we trust is told nothing', async () => {
    const before = server.requests.length;
    expect(await grant(provider({ ca: 'node' }), { grant_type: 'x' })).toMatchObject({
      kind: 'unreachable',
      reason: expect.stringMatching(/certificate/),
    });
    expect(server.requests).toHaveLength(before);
  });

  test('is behind a proxy is reached through it, by a name that the proxy looks up', async () => {
    const proxy = await startSocksServer({ clientFirst: true, routes: { 'mx.example.org': server.port } });
    const network = { ip: 'any', proxy: { host: '127.0.0.1', port: proxy.port } } as const;
    const found = await grant(provider({ network }, 'https://mx.example.org/token'), { grant_type: 'x' });
    expect(found).toMatchObject({ kind: 'error', error: 'unsupported_grant_type' });
    expect(proxy.asked).toEqual(['mx.example.org:443']);
    // Nobody is believed to be another because a proxy led to him.
    const other = await startSocksServer({ clientFirst: true, routes: { 'other.test': server.port } });
    const lied = { ip: 'any', proxy: { host: '127.0.0.1', port: other.port } } as const;
    const wrong = await grant(provider({ network: lied }, 'https://other.test/token'), { grant_type: 'x' });
    expect(wrong).toEqual({ kind: 'unreachable', reason: 'other.test: its certificate is for another name' });
  });

  test('is not there is a reason in words', async () => {
    const found = await grant(provider({}, 'https://127.0.0.1:1/t'), { grant_type: 'x' });
    expect(found).toEqual({ kind: 'unreachable', reason: '127.0.0.1:1: connection refused' });
  });
});
