import { describe, expect, it } from 'vitest';
import { readConfig } from '../../src/config/config.ts';
import { applyOverrides, DEFAULTS } from '../../src/config/defaults.ts';
import { readTable } from '../../src/route/table.ts';
import { play } from './fake-surroundings.ts';

const account = (table: string, url = 'smtps://ann@mail.test', keys = ''): string =>
  `[account.work]\nurl = "${url}"\n${keys}\n[account.work.oauth]\n${table}`;
const GOOGLE = 'provider = "google"\nclient_id = "x"\n';

/** The errors of a configuration. */
async function wrong(text: string): Promise<string> {
  const reading = await readConfig(text, 'c');
  return reading.ok ? '' : reading.errors.join('\n');
}

describe('[account.NAME.oauth]', () => {
  const bad = (text: string, why: RegExp) =>
    it(`refuses ${JSON.stringify(text)}`, async () => expect(await wrong(account(text))).toMatch(why));
  bad('provider = "yahoo"', /"account\.work\.oauth\.provider" must be "google" or "microsoft", not "yahoo"$/);
  bad('token_url = "http://p.test/"', /token_url" must be an https:\/\/ URL, not "http:\/\/p.test\/"$/);
  bad('token_url = "https://u:p@p.test/"', /token_url" must be an https:\/\/ URL/);
  bad('auth_url = "https://p.test/#x"', /auth_url" must be an https:\/\/ URL/);
  bad('tenant = "a/b"', /tenant" must be the id or the domain of an organisation/);
  bad('flow = "password"', /flow" must be "device" or "code" or "client"/);
  bad('client_secret = "x"', /unknown key "account\.work\.oauth\.client_secret"/);
  bad('token_command = "x"\nclient_id = "x"', /token_command" must be the only key of its table/);

  it('stands in the place of a password, and a password asked for by an option in its place', async () => {
    const both = account(GOOGLE, undefined, 'password_file = "p"');
    expect(await wrong(both)).toMatch(/oauth" must be there without a "password_file" or "password_command" beside it/);
    const reading = await readConfig(account(GOOGLE), '/c/c.toml');
    if (!reading.ok) throw new Error(reading.errors.join());
    const settings = applyOverrides(DEFAULTS, reading.overrides);
    const table = (login?: object) => readTable(settings, { account: 'work', login });
    expect(table()).toMatchObject({ table: { rest: { outlets: [{ login: { oauth: { clientId: 'x' } } }] } } });
    const over = table({ passwordFile: 'f' });
    expect('table' in over && over.table.rest.outlets[0].login).toEqual({ passwordFile: 'f' });
  });
});

const send = (config: string, words: readonly string[] = [], env: Record<string, string> = { HOME: '/home/ann' }) =>
  play(['--config', 'c', '-a', 'work', ...words, 'bob@example.org'], { files: { c: config } }, { env });

describe('a message through an account with tokens', () => {
  it('has a source of tokens in its login, and no password', async () => {
    const { exit, sent, steps } = await send(account(GOOGLE), ['--auth', 'xoauth2']);
    expect(exit).toBe(0);
    expect(steps).not.toContain('secret');
    expect(sent[0]?.opened).toMatchObject({
      login: { credentials: { user: 'ann' }, mechanism: 'XOAUTH2', tokens: { current: expect.any(Function) } },
    });
  });

  it('needs no home where the client logs in itself, and else says that there is no place', async () => {
    const client = 'token_url = "https://p.test/"\nclient_id = "x"\nclient_secret_file = "s"';
    expect((await send(account(client), [], {})).exit).toBe(0);
    const { exit, err } = await send(account(GOOGLE), [], {});
    expect([exit, err]).toEqual([73, 'posthaste: Cannot keep tokens: user id 1000 has no home folder\n']);
  });

  it.each([
    ['its table is not whole', account('provider = "google"'), /account "work": oauth: "client_id" is missing$/],
    ['it has no user', account(GOOGLE, 'smtps://mail.test'), /^posthaste: Cannot use account "work": .*has no user/],
    ['its mechanism takes none', account(GOOGLE, undefined, 'auth = "PLAIN"'), /it is OAUTHBEARER or XOAUTH2$/],
  ])('is not sent where %s', async (_, config, why) => {
    const { exit, err, sent } = await send(config);
    expect([err.trim(), sent]).toEqual([expect.stringMatching(why), []]);
    expect([64, 78]).toContain(exit);
  });
});

describe('posthaste login and logout', () => {
  const call = (words: readonly string[], config = account(GOOGLE)) => play(words, { files: { c: config } });

  it.each([
    [['login'], 64, /^posthaste: Cannot log in: name one account$/],
    [['login', 'work', 'home'], 64, /name one account$/],
    [['login', '../x'], 64, /no account is called "\.\.\/x"$/],
    [['login', 'other', '--config', 'c'], 64, /^posthaste: Cannot use account "other": no account is called "other"/],
    [['login', 'work', '--flow', 'magic', '--config', 'c'], 64, /--flow "magic": it is device or code$/],
    [['login', 'work', '--no'], 64, /unknown option/],
    [['logout'], 64, /name one account$/],
    [['logout', 'a/b'], 64, /no account is called/],
    [['logout', 'work'], 73, /^posthaste: Cannot keep tokens: user id 1000 has no home folder$/],
  ] as const)('refuses %j', async (words, exit, why) => {
    const played = await call(words);
    expect([played.exit, played.err.trim(), played.out]).toEqual([exit, expect.stringMatching(why), '']);
  });

  it.each([
    ['there is no table', '[account.work]\nurl = "smtps://ann@mail.test"', /it has no table \[account\.work\.oauth\]$/],
    ['a command prints them', account('token_command = "x"'), /its tokens come from "token_command"$/],
    ['there is no user', account(GOOGLE, 'smtps://mail.test'), /its "url" has no user, as in smtps:\/\/user@host$/],
  ])('refuses an account where %s', async (_, config, why) => {
    const { exit, err } = await call(['login', 'work', '--config', 'c'], config);
    expect([exit, err.trim()]).toEqual([78, expect.stringMatching(why)]);
  });

  it.each([['login'], ['logout']])('%s explains itself', async (name) => {
    const { exit, out, err } = await call([name, '--help']);
    expect([exit, err]).toEqual([0, '']);
    expect(out).toMatch(new RegExp(`^Usage: posthaste ${name} `));
  });
});
