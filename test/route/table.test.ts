import { describe, expect, test } from 'vitest';
import { applyOverrides, DEFAULTS, type Overrides } from '../../src/config/defaults.ts';
import { parseGlob } from '../../src/config/glob.ts';
import type { Account, RouteRule } from '../../src/config/settings.ts';
import type { Address } from '../../src/mail/address.ts';
import { type RouteTable, readTable, ruleFor, type Wanted } from '../../src/route/table.ts';

const address = (text: string): Address => {
  const at = text.lastIndexOf('@');
  return { local: text.slice(0, at), domain: text.slice(at + 1) };
};

const globs = (texts: readonly string[]): readonly string[] =>
  texts.map((text) => {
    const reading = parseGlob(text);
    if ('glob' in reading) return reading.glob;
    throw new Error(reading.reason);
  });

type SomeRoute = Partial<RouteRule>;

const route = ({ recipients = [], senders = [], ...more }: SomeRoute): RouteRule => ({
  ...{ uids: [], via: ['mx'], over: {}, ...more },
  recipients: globs(recipients),
  senders: globs(senders),
});

const account = (url: string, { senders = [], ...more }: Partial<Account> = {}): Account => ({
  ...{ url, over: {}, ...more },
  senders: globs(senders),
});

function table(overrides: Overrides, wanted: Wanted = {}): RouteTable {
  const reading = readTable(applyOverrides(DEFAULTS, overrides), wanted);
  if ('table' in reading) return reading.table;
  throw new Error(reading.reason);
}

interface Question {
  readonly to?: string;
  readonly from?: string | null;
  readonly author?: string;
  readonly uid?: number;
  readonly local?: true;
}

function nameOf(
  of: RouteTable,
  { to = 'bob@b.test', from = 'ann@a.example', author, uid = 1000, local }: Question,
): string {
  return ruleFor(of, {
    recipient: { address: address(to), ...(local === undefined ? {} : { local }) },
    sender: from === null ? null : address(from),
    ...(author === undefined ? {} : { author: address(author) }),
    uid,
  }).name;
}

describe('ruleFor()', () => {
  const rules = table({
    local: 'maildir:/m',
    routes: [
      route({ recipients: ['x@b.test'] }),
      route({ recipients: ['b.test'], uids: [0, 33] }),
      route({ recipients: ['*.b.test', 'c.test'], senders: ['alerts@*'] }),
      route({ senders: ['<>'] }),
      route({ recipients: ['b.test'], senders: ['ann@a.example'], uids: [7] }),
    ],
    accounts: {
      work: account('smtp://w.test', { senders: ['corp.test'] }),
      none: account('smtp://n.test'),
      home: account('smtp://h.test', { senders: ['*.test'] }),
    },
  });
  const rows: readonly (readonly [string, Question])[] = [
    ['route 1', { to: 'X@B.test', uid: 0 }],
    ['route 2', { to: 'y@b.test', uid: 33 }],
    ['the rest', { to: 'y@c.b.test' }],
    ['route 3', { to: 'y@c.b.test', from: 'alerts@a.test' }],
    ['route 3', { to: 'y@c.test', from: 'Alerts@A.test' }],
    ['the rest', { to: 'y@c.test', from: 'x@a.example', author: 'alerts@a.example' }],
    ['route 4', { from: null }],
    ['route 4', { from: null, author: 'x@corp.test' }],
    ['route 5', { uid: 7 }],
    ['the rest', { uid: 8 }],
    ['account work', { from: 'x@corp.test' }],
    ['account work', { from: 'x@y.example', author: 'x@corp.test' }],
    ['account home', { from: 'x@y.z.test' }],
    ['account home', { from: 'x@corp.example', author: 'x@z.z.test' }],
    ['local', { local: true }],
    ['local', { local: true, to: 'x@b.test', from: null }],
  ];
  for (const [want, question] of rows) {
    test(`takes ${want} for ${JSON.stringify(question)}`, () => expect(nameOf(rules, question)).toBe(want));
  }

  test('takes the rest where there is nothing else', () => {
    expect(nameOf(table({}), { local: true, from: null })).toBe('the rest');
    expect(table({ relay: 'discard' }).rest.outlets).toMatchObject([{ via: { kind: 'discard' } }]);
  });

  test('a route without patterns takes all that is left', () => {
    const all = table({ routes: [route({ recipients: ['c.test'] }), route({}), route({ recipients: ['b.test'] })] });
    expect([nameOf(all, {}), nameOf(all, { to: 'x@c.test' })]).toEqual(['route 2', 'route 1']);
  });
});

describe('readTable()', () => {
  test('a relay or account of the caller takes everything', () => {
    const overrides: Overrides = {
      local: 'maildir:/m',
      routes: [route({})],
      accounts: { a: account('smtp://a.test', { senders: ['*'] }) },
    };
    const byRelay = table(overrides, { relay: 'smtp://r.test', login: { auth: 'PLAIN' } });
    expect(byRelay).toMatchObject({ rules: [], rest: { outlets: [{ login: { auth: 'PLAIN' } }] } });
    const byAccount = table(overrides, { account: 'a' });
    expect(byAccount).toMatchObject({ rules: [], rest: { name: 'account a', outlets: [{ account: 'a' }] } });
  });

  test('a route without a way goes the usual one, with its login and what the route says', () => {
    const { rules } = table({
      relay: 'smtp://u@r.test',
      login: { passwordFile: '/p' },
      routes: [route({ via: [], over: { from: 'x@a.test' } }), route({ via: ['smtp://u@o.test'] })],
    });
    expect(rules.map(({ outlets: [first] }) => [first.via, first.login, first.settings.from])).toMatchObject([
      [{ relay: { host: 'r.test' } }, { passwordFile: '/p' }, 'x@a.test'],
      [{ relay: { host: 'o.test' } }, {}, undefined],
    ]);
  });

  test('puts the options over the account, the account over the route, and the route over the settings', () => {
    const over: Overrides = { tls: { level: 'none' } };
    const overrides: Overrides = {
      hostname: 'a.test',
      dsn: true,
      tls: { level: 'may', ca: '/all', minVersion: 'TLSv1.3' },
      accounts: { a: account('mx', { over: { tls: { level: 'encrypt', ca: '/account' }, hostname: 'c.test' } }) },
      routes: [
        route({
          via: ['account:a', 'mx'],
          over: { tls: { level: 'verify', ca: '/route' }, dsn: false, hostname: 'b.test' },
        }),
      ],
    };
    const [rule] = table(overrides, { over }).rules;
    expect(rule?.outlets.map(({ settings }) => [settings.tls, settings.hostname, settings.dsn])).toEqual([
      [{ level: 'none', ca: '/account', minVersion: 'TLSv1.3', fingerprints: [] }, 'c.test', false],
      [{ level: 'none', ca: '/route', minVersion: 'TLSv1.3', fingerprints: [] }, 'b.test', false],
    ]);
  });

  test('tries the ways of a route in their order, each with its own login', () => {
    const accounts = { a: account('smtp://a.test', { user: 'u', passwordCommand: 'c' }) };
    const [rule] = table({ accounts, routes: [route({ via: ['smtp://r.test', 'account:a', 'discard'] })] }).rules;
    expect(rule?.outlets).toMatchObject([
      { via: { kind: 'relay' }, login: {} },
      { via: { kind: 'relay' }, login: { user: 'u', passwordCommand: 'c' }, account: 'a' },
      { via: { kind: 'discard' }, login: {} },
    ]);
  });

  test('the login of the caller goes over that of the account, and its password over any other', () => {
    const accounts = { a: account('smtp://a.test', { user: 'u', auth: 'PLAIN', passwordCommand: 'c' }) };
    const { rest } = table({ accounts }, { account: 'a', login: { passwordFile: '/p' } });
    expect(rest.outlets[0].login).toEqual({ user: 'u', auth: 'PLAIN', passwordFile: '/p' });
  });

  const a = { a: account('mx'), b: account('') };
  const bad = (overrides: Overrides, wanted: Wanted, want: object) =>
    test(`says ${Object.values(want)[0]}`, () => {
      expect(readTable(applyOverrides(DEFAULTS, overrides), wanted)).toEqual(want);
    });
  bad({}, { account: 'x' }, { reason: 'no account is called "x": there is none' });
  bad({ accounts: a }, { account: 'x' }, { reason: 'no account is called "x": there are a, b' });
  bad({ accounts: a }, { account: 'toString' }, { reason: 'no account is called "toString": there are a, b' });
  bad({ accounts: a }, { account: 'b' }, { reason: 'account "b" has no "url"' });
  bad({ accounts: { c: account('account:a') } }, { account: 'c' }, { reason: 'account "c" can\'t be another account' });
  bad({ account: 'x' }, {}, { reason: 'no account is called "x": there is none' });
  bad(
    { routes: [route({}), route({ via: ['mx', 'account:x'] })] },
    {},
    {
      reason: 'no account is called "x": there is none',
      route: 1,
    },
  );
  bad(
    {},
    { relay: 'nonsense:' },
    {
      reason:
        'Cannot use relay "nonsense:": it is smtp://, smtps://, smtp+starttls:// or lmtp:// with a host, or lmtp+unix: with a path',
    },
  );
});
