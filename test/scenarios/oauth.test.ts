import { spawn } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { get } from 'node:http';
import { get as getSecurely } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, it, onTestFinished } from 'vitest';
import { type BearerSmtpOptions, startBearerSmtp } from '../support/bearer-smtp.ts';
import { TEST_CERTIFICATE } from '../support/certificate.ts';
import { type OAuthOptions, startOAuth } from '../support/oauth-server.ts';
import { type Ran, run } from '../support/run.ts';

/* A person logs in with OAuth, and mail goes with the tokens: the built command, a provider over HTTPS, a mail server. */

const POSTHASTE = fileURLToPath(new URL('../../bin/posthaste', import.meta.url));
const MESSAGE = 'From: ann@example.org\nTo: bob@example.net\nSubject: hi\n\nhello\n';
const root = mkdtempSync(join(tmpdir(), 'posthaste-oauth-'));
afterAll(() => rmSync(root, { recursive: true, force: true }));

interface Wish extends OAuthOptions {
  readonly offered?: BearerSmtpOptions['offered'];
  /** Lines of `[account.work.oauth]` beside the endpoints. */
  readonly keys?: string;
  /** In the place of the whole table. */
  readonly table?: string;
}

/** A home with an account, its provider and its server. */
async function scene({ offered = ['XOAUTH2', 'PLAIN'], keys = '', table, ...options }: Wish = {}) {
  const provider = await startOAuth(options);
  const smtp = await startBearerSmtp({ offered, user: 'ann@example.org', accepts: (token) => provider.accepts(token) });
  onTestFinished(async () => {
    await Promise.all([provider.close(), smtp.close()]);
  });
  const home = mkdtempSync(join(root, 'home-'));
  mkdirSync(join(home, '.config/posthaste'), { recursive: true });
  writeFileSync(join(home, 'ca.pem'), TEST_CERTIFICATE);
  writeFileSync(join(home, 'secret'), 'client secret', { mode: 0o600 });
  const { url } = provider;
  const endpoints = `auth_url = "${url}/authorize"\ndevice_url = "${url}/device"\ntoken_url = "${url}/token"\n`;
  writeFileSync(
    join(home, '.config/posthaste/config.toml'),
    `hostname = "client.test"
tls.ca = "~/ca.pem"
default_account = "work"
runner.linger = 0
[account.work]
url = "smtps://ann%40example.org@127.0.0.1:${smtp.port}"
[account.work.oauth]
${table ?? `client_id = "client"\n${endpoints}${keys}`}
`,
  );
  const state = join(home, 'state');
  const env = {
    ...{ HOME: home, PATH: process.env.PATH ?? '' },
    // For whoever runs this as root.
    ...{ POSTHASTE_STATE: state, POSTHASTE_SPOOL: join(home, 'spool'), POSTHASTE_LOG: 'none' },
  };
  const call = (...words: readonly string[]): Promise<Ran> => run(POSTHASTE, words, { stdin: MESSAGE, env, cwd: home });
  const tokens = join(state, 'tokens');
  const file = join(tokens, 'work.json');
  return {
    ...{ provider, smtp, home, env, call, tokens, file },
    send: () => call('--no-queue', 'bob@example.net'),
    read: (): Record<string, unknown> => JSON.parse(readFileSync(file, 'utf8')),
    /** As if somebody had logged in, some time ago. */
    logIn(over: object): void {
      const { access_token: access, refresh_token: refresh } = provider.grant();
      const times = { issued: 1, expires: Date.now() + 3_600_000 };
      const whose = { version: 1, client: 'client', endpoint: `${url}/token`, scope: '' };
      mkdirSync(tokens, { recursive: true });
      writeFileSync(file, JSON.stringify({ ...whose, access, refresh, ...times, ...over }), { mode: 0o600 });
    },
  };
}

const SILENT = { status: 0, stdout: '', stderr: '' };
const ENDED = { expires: 1 };

describe('a login with a device code', () => {
  it('waits until the code was typed in, keeps the tokens to its owner, and mail goes', async () => {
    const { provider, smtp, call, send, read, tokens, file } = await scene({
      deviceAnswers: ['authorization_pending'],
    });
    const login = await call('login', 'work');
    expect(login).toMatchObject({ status: 0, stderr: '' });
    expect(login.stdout).toMatch(/ {2}https:\/\/login\.test\/device\n\nand type in: WDJB-MJHT\n/);
    expect(provider.requests.map(({ path }) => path)).toEqual(['/device', '/token', '/token']);
    expect(statSync(tokens).mode & 0o777).toBe(0o700);
    expect(statSync(file).mode & 0o777).toBe(0o600);
    expect(readdirSync(tokens)).toEqual(['work.json']);
    expect(login.stdout).not.toContain(read().refresh);

    expect(await send()).toEqual(SILENT);
    expect(await send()).toEqual(SILENT);
    expect(smtp.logins).toEqual(['XOAUTH2 235', 'XOAUTH2 235']);
    expect(smtp.messages).toHaveLength(2);
    // The token is fetched once and used until its end.
    expect(provider.requests).toHaveLength(3);

    expect(await call('logout', 'work')).toEqual({ ...SILENT, stdout: 'account work: logged out\n' });
    expect(readdirSync(tokens)).toEqual([]);
    expect(await call('logout', 'work')).toEqual({ ...SILENT, stdout: 'account work: nobody was logged in\n' });
  });
});

/** Follows a link as a browser does, to the end of it; gives the text of the last page. */
function browse(url: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const fetched = (response: import('node:http').IncomingMessage): void => {
      const { location } = response.headers;
      if (location !== undefined) return void browse(location).then(resolve, reject);
      let text = '';
      response.setEncoding('utf8').on('data', (part: string) => {
        text += part;
      });
      response.on('end', () => resolve(text));
    };
    const request = url.startsWith('https:') ? getSecurely(url, { ca: TEST_CERTIFICATE }, fetched) : get(url, fetched);
    request.on('error', reject);
  });
}

describe('a login in a browser', () => {
  it('comes back to this machine with a code, and mail goes with OAUTHBEARER where both are offered', async () => {
    const { provider, smtp, home, env, send, read } = await scene({
      offered: ['OAUTHBEARER', 'XOAUTH2'],
      secret: 'client secret',
      keys: 'flow = "code"\nclient_secret_file = "~/secret"\nscope = "mail.send offline"\n',
    });
    const child = spawn(POSTHASTE, ['login', 'work'], { env, cwd: home, stdio: ['ignore', 'pipe', 'inherit'] });
    const ended = new Promise((resolve) => child.on('close', resolve));
    let output = '';
    const url = await new Promise<string>((resolve) =>
      child.stdout.setEncoding('utf8').on('data', (text: string) => {
        output += text;
        const [, found] = /^ {2}(https:\S+)\n/m.exec(output) ?? [];
        if (found !== undefined) resolve(found);
      }),
    );
    const asked = new URL(url).searchParams;
    expect(asked.get('login_hint')).toBe('ann@example.org');
    expect(asked.get('scope')).toBe('mail.send offline');
    expect(asked.get('redirect_uri')).toMatch(/^http:\/\/127\.0\.0\.1:\d+\/$/);
    expect(await browse(url)).toBe('Thank you. You can close this window.\n');
    expect(await ended).toBe(0);
    expect(output).toMatch(/account work: logged in; .*\n$/);
    expect(await send()).toEqual(SILENT);
    expect(smtp.logins).toEqual(['OAUTHBEARER 235']);
    expect(Object.keys(read()).sort()).toEqual(
      ['access', 'client', 'endpoint', 'expires', 'issued', 'refresh', 'scope', 'version'].sort(),
    );
    expect(JSON.stringify(provider.requests.at(-1))).toContain('code_verifier');
  });
});

describe('a token', () => {
  it('is renewed before its end, and a new refresh token takes the place of the old one', async () => {
    const { provider, smtp, send, read, logIn } = await scene({ rotates: true });
    logIn({ expires: Date.now() + 30_000 });
    const { refresh } = read();
    expect(await send()).toEqual(SILENT);
    expect(smtp.logins).toEqual(['XOAUTH2 235']);
    expect(provider.requests.at(-1)?.form).toMatchObject({ grant_type: 'refresh_token', refresh_token: refresh });
    expect(read().refresh).not.toBe(refresh);
  });

  it('that the server refuses is renewed once, on a session of its own', async () => {
    const { provider, smtp, send, logIn } = await scene();
    logIn({});
    provider.forgetAccess();
    expect(await send()).toEqual(SILENT);
    expect(smtp.logins).toEqual(['XOAUTH2 535', 'XOAUTH2 235']);
    expect(smtp.connections()).toBe(2);
    expect(smtp.messages).toHaveLength(1);
  });

  it('that is refused when it is new is given up, with an advice', async () => {
    const { provider, smtp, send, logIn, read } = await scene();
    logIn({});
    provider.accepts = () => false;
    const { status, stderr } = await send();
    expect(smtp.logins).toEqual(['XOAUTH2 535', 'XOAUTH2 535']);
    expect(status).toBe(77);
    expect(stderr).toMatch(/failed \(5\.7\.8\): .*refused when logging in with XOAUTH2/);
    expect(stderr).toContain('(The token is new: run "posthaste login work", as the right user)');
    expect(stderr).not.toContain(read().access);
    // It is young now: another one would fare no better.
    await send();
    expect(smtp.logins).toHaveLength(3);
  });

  it('that is refused by the provider leaves the mail in the queue, and a login sends it', async () => {
    const { provider, smtp, call, logIn } = await scene();
    logIn(ENDED);
    provider.forgetRefresh();
    expect(await call('bob@example.net')).toEqual(SILENT);
    const list = await call('queue', 'list', '--json');
    expect(list.stdout).toMatch(/4\.3\.5.*Cannot get access token for account \\"work\\": invalid_grant/);
    const { stdout } = await call('queue', 'show', JSON.parse(list.stdout.split('\n')[0] ?? '').id);
    expect(stdout).toContain('; run "posthaste login work" (4.3.5)\n');
    await call('login', 'work');
    await call('queue', 'flush');
    expect(smtp.messages).toHaveLength(1);
  });

  it('that nobody has is said, and a provider that is down is a trouble that passes', async () => {
    const { provider, send, logIn } = await scene();
    const first = await send();
    expect(first.status).toBe(77);
    expect(first.stderr).toMatch(/deferred \(4\.7\.0\): .*nobody has logged in; run "posthaste login work"/);
    logIn(ENDED);
    await provider.close();
    const { status, stderr } = await send();
    expect(status).toBe(75);
    expect(stderr).toMatch(/deferred \(4\.4\.1\): .*connection refused/);
  });

  it('is in no transcript, no log and no spool', async () => {
    const { call, logIn, home, read, provider } = await scene();
    logIn({});
    const { access, refresh } = read();
    provider.accepts = () => false;
    provider.forgetRefresh();
    const { status, stderr } = await call('-vv', '--log', join(home, 'log'), 'bob@example.net');
    expect(status).toBe(0);
    expect(stderr).toMatch(/AUTH XOAUTH2 <secret>/);
    const shown = Buffer.from(`user=ann@example.org\x01auth=Bearer ${access}\x01\x01`).toString('base64');
    const written = run('/bin/sh', ['-c', 'cat log; find spool -type f -exec cat {} +'], { cwd: home });
    for (const text of [stderr, (await written).stdout]) {
      expect(text).toMatch(/invalid_grant|bob@example\.net/);
      for (const secret of [access, refresh, shown]) expect(text).not.toContain(secret);
    }
  });

  it('goes from the queue of sendmail, by the runner in the background', async () => {
    const { smtp, home, env, logIn, provider } = await scene();
    logIn(ENDED);
    const sendmail = join(home, 'sendmail');
    symlinkSync(POSTHASTE, sendmail);
    const words = ['-odq', 'bob@example.net'];
    expect(await run(sendmail, words, { stdin: MESSAGE, env, cwd: home })).toEqual(SILENT);
    expect(provider.requests).toEqual([]);
    expect(await run(sendmail, ['-q'], { env, cwd: home })).toMatchObject({ status: 0 });
    expect(smtp.messages).toHaveLength(1);
    expect(provider.requests).toHaveLength(1);
  });

  it('comes once for senders at the same time', async () => {
    const { provider, smtp, send, logIn } = await scene({ rotates: true });
    logIn(ENDED);
    expect(await Promise.all([send(), send(), send(), send()])).toEqual([SILENT, SILENT, SILENT, SILENT]);
    expect(provider.requests).toHaveLength(1);
    expect(smtp.messages).toHaveLength(4);
  });
});

describe('without a person', () => {
  it('the client logs in itself', async () => {
    const { provider, smtp, send } = await scene({
      secret: 'client secret',
      keys: 'flow = "client"\nclient_secret_file = "~/secret"\nscope = "s"\n',
    });
    expect(await send()).toEqual(SILENT);
    expect(await send()).toEqual(SILENT);
    expect(provider.requests.map(({ form }) => form)).toEqual([
      { client_id: 'client', client_secret: 'client secret', grant_type: 'client_credentials', scope: 's' },
    ]);
    expect(smtp.messages).toHaveLength(2);
  });

  it('a command prints the token, without a shell', async () => {
    const { smtp, send, home } = await scene({ table: `token_command = "cat token ; $HOME"` });
    const { status, stderr } = await send();
    expect([status, smtp.connections()]).toEqual([75, 0]);
    expect(stderr).toMatch(/Cannot read access token: command "cat" exited with status 1/);
    expect(existsSync(join(home, 'state/tokens'))).toBe(false);
  });
});
