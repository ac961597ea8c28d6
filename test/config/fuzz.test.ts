import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { readConfig } from '../../src/config/config.ts';
import { applyOverrides, DEFAULTS } from '../../src/config/defaults.ts';
import { mergeSaid } from '../../src/config/said.ts';
import { KNOWN_KEYS } from '../../src/config/schema.ts';
import { writeKey, writeValue } from '../../src/config/written.ts';
import { type RouteTable, readTable } from '../../src/route/table.ts';

/** Values that are right somewhere, and some that are right nowhere. */
const value = fc.oneof(
  fc.constantFrom(
    '1',
    '0',
    '25',
    '65536',
    '0.5',
    '-1',
    'inf',
    'nan',
    'true',
    '1979-05-27',
    '""',
    '[]',
    '{}',
    '[[]]',
    '[1, "a"]',
  ),
  fc.constantFrom(
    '"mx"',
    '"discard"',
    '"5m"',
    '"25MB"',
    '"30/min"',
    '"example.org"',
    '"*.müller.example"',
    '"<>"',
    '"~/x"',
  ),
  fc.constantFrom(
    '"none"',
    '"verify"',
    '"any"',
    '"own"',
    '"classic"',
    '"force"',
    '"TLSv1.3"',
    '"node"',
    '"relay"',
    '"PLAIN"',
  ),
  fc.constantFrom(
    '"account:a"',
    '["account:b", "mx"]',
    '"smtps://u@a.test"',
    '"file:out"',
    '["192.0.2.1"]',
    '"%u@a.test"',
  ),
  fc.constantFrom(
    '"socks5://u:p@a.test"',
    '"https://a.test/x"',
    '"google"',
    '"device"',
    `["${'ab'.repeat(32)}"]`,
    '"a\\u0000b"',
  ),
  fc.string({ unit: 'binary', maxLength: 12 }).map(writeValue),
);

const known = fc.constantFrom(...KNOWN_KEYS);

/** A file over known keys, most of it well-formed: each line is by itself at the top, in an account, or in a route. */
const file = fc.array(fc.tuple(known, fc.constantFrom('a', 'b', '"c.d"'), value), { maxLength: 12 }).map((rows) => {
  const top = new Map<string, string>();
  const routes = new Map<string, string>();
  for (const [key, name, text] of rows) {
    if (key.startsWith('route.*.')) routes.set(key.slice(8), text);
    else if (key === 'aliases') top.set(`aliases.${name}`, text);
    else top.set(key.replace('*', name), text);
  }
  const lines = (map: ReadonlyMap<string, string>) => [...map].map(([key, text]) => `${key} = ${text}\n`).join('');
  return `${lines(top)}${routes.size === 0 ? '' : `[[route]]\n${lines(routes)}`}`;
});

const noise = fc.oneof(
  fc.string({ unit: 'binary' }),
  fc.tuple(known, fc.string()).map(([key, text]) => `${key.replaceAll('*', 'a')} = ${text}`),
  known.map((key) => `[${key}]`),
  known.map((key) => `[[${key}]]`),
  fc.constantFrom(
    '[[route]]',
    '[account]',
    '[account.a]',
    '[route]',
    'route = [{}]',
    '__proto__.x = 1',
    '[account.__proto__]',
    '[account.constructor]',
  ),
);

const read = (text: string) => readConfig(text, 'p.toml', { home: '/home/ann', at: '/etc/p.toml' });
const ONE_LINE = /^Cannot (?:read|use) configuration: p\.toml:\d+: [^\p{Cc}]+$/u;

/** They are read when a message goes one of them, and all of them can be read then. */
const waysIn = ({ rules, rest }: RouteTable) =>
  [...rules, rest].flatMap(({ outlets }) => outlets.map(({ via }) => via));

describe('a configuration that nobody wrote', () => {
  test('over known keys gives settings and rules, or errors of one line', async () => {
    let right = 0;
    await fc.assert(
      fc.asyncProperty(file, async (text) => {
        const reading = await read(text);
        if (!reading.ok) {
          expect(reading.errors.length).toBeGreaterThan(0);
          for (const error of reading.errors) expect(error).toMatch(ONE_LINE);
          return;
        }
        right++;
        const made = readTable(applyOverrides(DEFAULTS, reading.overrides));
        if ('reason' in made) expect(made.reason).toMatch(/^[^\p{Cc}]+$/u);
        else for (const way of waysIn(made.table)) expect(way.kind).not.toBe('account');
      }),
      { seed: 11, numRuns: 1500 },
    );
    // Else it would prove little.
    expect(right).toBeGreaterThan(100);
  });

  test('of any text gives settings, or errors of one line', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(noise, { maxLength: 8 }), async (lines) => {
        const reading = await read(lines.join('\n'));
        for (const error of reading.ok ? [] : reading.errors) expect(error).toMatch(ONE_LINE);
        if (reading.ok) expect(readTable(applyOverrides(DEFAULTS, reading.overrides))).toBeTypeOf('object');
        expect(reading.ok || reading.errors.length > 0).toBe(true);
      }),
      { seed: 12, numRuns: 800 },
    );
  });
});

/** Single keys with a value that is right for each, so that two files are right together. */
const RIGHT: readonly (readonly [string, readonly string[]])[] = [
  ['relay', ['"mx"', '"smtp://u@a.test"', '"discard"']],
  ['default_account', ['"a"', '"b"']],
  ['password_file', ['"/p"', '"/q"']],
  ['password_command', ['"c"', '"d"']],
  ['auth', ['"PLAIN"']],
  ['from', ['"a@a.test"', '"%u@b.test"']],
  ['tls.ca', ['"/c"', '"node"']],
  ['tls.cert', ['"/c"', '"/d"']],
  ['tls.fingerprints', ['[]', `["${'ab'.repeat(32)}"]`]],
  ['limits.sessions', ['1', '2']],
  ['aliases.root', ['"x"', '"y"']],
  ['account.a.url', ['"mx"', '"discard"']],
  ['account.a.tls.cert', ['"/c"', '"/d"']],
  ['account.a.tls.level', ['"may"', '"none"']],
  ['account.a.password_file', ['"/p"']],
  ['account.a.password_command', ['"c"', '"d"']],
  ['account.b.timeouts.mail', ['1', '2']],
];

const line = fc.constantFrom(...RIGHT).chain(([key, values]) => fc.tuple(fc.constant(key), fc.constantFrom(...values)));
const layer = fc
  .tuple(
    fc.uniqueArray(line, { selector: ([key]) => key, maxLength: 8 }),
    fc.array(fc.constantFrom('x', 'y', 'z'), { maxLength: 3 }),
  )
  .map(([lines, routes]) => {
    const top = lines.map(([key, text]) => `${key} = ${text}`);
    return [...top, ...routes.map((name) => `[[route]]\nrecipient = "${name}.test"`)].join('\n');
  });

describe('mergeSaid()', () => {
  test('says of several files what they mean together', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(layer, { maxLength: 3 }), async (texts) => {
        const readings = await Promise.all(texts.map(read));
        const right = readings.flatMap((reading) => (reading.ok ? [reading] : []));
        expect(right).toHaveLength(texts.length);
        const want = right.reduce((settings, { overrides }) => applyOverrides(settings, overrides), DEFAULTS);
        const merged = mergeSaid(right.map(({ said }) => said().map((each) => ({ ...each, from: 0 }))));
        const written = merged.map(({ path, value }) =>
          path[0] === 'route'
            ? `[[route]]\n${writeKey(path.slice(2))} = ${writeValue(value)}`
            : `${writeKey(path)} = ${writeValue(value)}`,
        );
        const again = await read(written.join('\n'));
        if (!again.ok) throw new Error(again.errors.join('\n'));
        const found = applyOverrides(DEFAULTS, again.overrides);
        // Which empty tables an account has depends on how often it was named.
        const plain = (settings: typeof want) =>
          JSON.parse(JSON.stringify(settings, (_, each) => (isEmpty(each) ? undefined : each)));
        expect(plain(found)).toEqual(plain(want));
      }),
      { seed: 13, numRuns: 300 },
    );
  });
});

const isEmpty = (each: unknown): boolean =>
  typeof each === 'object' && each !== null && !Array.isArray(each) && Object.keys(each).length === 0;
