import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseAliases } from '../../src/config/alias-file.ts';
import { type AliasOptions, expandAliases, type NamedRecipient } from '../../src/config/aliases.ts';
import { formatAddress } from '../../src/mail/address.ts';

const LOCAL = ['localhost', 'vm.example.net'];
const options: AliasOptions = { domain: 'example.net', isLocal: (domain) => LOCAL.includes(domain) };

/** `bob` is one without a domain. */
function named(text: string): NamedRecipient {
  const [local = '', domain] = text.split('@');
  return domain === undefined
    ? { address: { local, domain: 'example.net' }, unqualified: true }
    : { address: { local, domain } };
}

function expand(text: string, asked: string, more: Partial<AliasOptions> = {}) {
  const { aliases } = parseAliases(text, 'aliases');
  return expandAliases(asked.split(' ').map(named), aliases, { ...options, ...more });
}

function good(text: string, asked: string, want: string): void {
  const { recipients, refused } = expand(text, asked);
  expect(recipients.map(({ address }) => formatAddress(address)).join(' ')).toBe(want);
  expect(refused).toEqual([]);
}

function bad(text: string, asked: string, why: string): void {
  const [first] = expand(text, asked).refused;
  expect(first === undefined ? 'nothing' : `${first.text}: ${first.reason}`).toContain(why);
}

describe('expandAliases()', () => {
  it('replaces names of this host, whatever their case', () => {
    good('root: ann@example.org', 'root', 'ann@example.org');
    good('Root: ann@example.org', 'rOOT', 'ann@example.org');
    good('root: ann@example.org', 'root@localhost', 'ann@example.org');
    good('root: ann@example.org', 'root@vm.example.net', 'ann@example.org');
  });

  it('leaves addresses of other domains alone', () => {
    good('root: ann@example.org', 'root@example.org', 'root@example.org');
    good('root: ann@example.org', 'root@example.net', 'root@example.net');
    good('default: ann@example.org', 'bob@example.com', 'bob@example.com');
  });

  it('replaces an address that stands on the left in full, before the name alone', () => {
    good('root: a@x.example\nroot@vm.example.net: b@x.example', 'root@vm.example.net', 'b@x.example');
    good('bob@example.com: ann@example.org', 'bob@example.com', 'ann@example.org');
    good('root@localhost: ann@example.org', 'root', 'ann@example.org');
  });

  it('gives names without an alias to default, and without that our domain', () => {
    good('default: ann@example.org', 'www-data', 'ann@example.org');
    good('root: ann@example.org', 'www-data', 'www-data@example.net');
    good('default: root\nroot: ann@example.org', 'www-data', 'ann@example.org');
  });

  it('does not give the targets of default to default again', () => {
    good('default: bob', 'www-data', 'bob@example.net');
    good('default: root', 'root', 'root@example.net');
  });

  it('follows chains and keeps each address once', () => {
    good('a: b, c\nb: d, x@example.org\nc: d\nd: y@example.org', 'a', 'y@example.org x@example.org');
    good('a: X@example.org, x@example.org, x@EXAMPLE.org', 'a', 'X@example.org x@example.org');
    good('postmaster: root\nroot: ann@example.org', 'postmaster root ann@example.org', 'ann@example.org');
  });

  it('keeps an alias that names itself', () => {
    good('bob: bob, ann@example.org', 'bob', 'bob@example.net ann@example.org');
    good('bob: \\bob, ann@example.org', 'bob', 'bob@example.net ann@example.org');
    good('bob: bob@localhost', 'bob', 'bob@localhost');
    good('root: \\ann\nann: x@example.org', 'root', 'ann@example.net');
  });

  it('refuses a ring of aliases, and goes on with the rest', () => {
    bad('a: b\nb: a', 'a', 'a: aliases lead back to where they began: a -> b -> a');
    const { recipients, refused } = expand('a: b, x@example.org\nb: c\nc: a, y@example.org', 'a');
    expect(recipients.map(({ address }) => address.local)).toEqual(['y', 'x']);
    expect(refused).toHaveLength(1);
  });

  it('refuses a chain that is too long', () => {
    const chain = Array.from({ length: 60 }, (_, n) => `n${n}: n${n + 1}`).join('\n');
    bad(chain, 'n0', 'n50: more than 50 aliases lead to it');
  });

  it('is done at once with a table that doubles at each step', () => {
    const table = Array.from({ length: 40 }, (_, n) => `n${n}: n${n + 1}, n${n + 1}@localhost`).join('\n');
    good(`${table}\nn40: ann@example.org`, 'n0', 'ann@example.org');
  });

  it('refuses commands and files where they are asked for, and nowhere else', () => {
    const text = 'bob: "|/usr/bin/vacation bob", ann@example.org\nlog: /var/mail/log\nx: ann@example.org';
    bad(text, 'bob', '|/usr/bin/vacation bob": is a command: mail is given to no command');
    bad(text, 'log', '/var/mail/log: is a file: mail is written to no file');
    good(text, 'x', 'ann@example.org');
    expect(expand(text, 'bob').recipients).toHaveLength(1);
  });

  it('reads included files through the reader', () => {
    const files: Record<string, string> = {
      '/a': '# people\nann@example.org, bob # both\r\n\n"Cy" <cy@example.org>\n:include:/b\n',
      '/b': 'dan@example.org\n:include:/a\n',
    };
    const readInclude = (path: string) => {
      const text = files[path];
      return text === undefined ? { reason: 'no such file' } : { text };
    };
    const { recipients, refused, steps } = expand('all: :include:/a, :include:/none\nbob: bob@example.com', 'all', {
      readInclude,
    });
    expect(recipients.map(({ address }) => formatAddress(address))).toEqual([
      'ann@example.org',
      'bob@example.com',
      'cy@example.org',
      'dan@example.org',
    ]);
    expect(refused.map(({ text, reason }) => `${text}: ${reason}`)).toEqual([
      ':include:/a: aliases lead back to where they began: :include:/a -> :include:/b -> :include:/a',
      ':include:/none: no such file',
    ]);
    expect(steps.map(({ from, by, to }) => `${from} ${by} ${to.join(' ')}`)).toEqual([
      'all@example.net alias :include:/a :include:/none',
      ':include:/a include ann@example.org bob cy@example.org :include:/b',
      'bob@example.net alias bob@example.com',
      ':include:/b include dan@example.org :include:/a',
    ]);
    bad('all: :include:/a', 'all', 'included files are not read here');
  });

  it('refuses an included file that is too large', () => {
    const large = expand('all: :include:/a', 'all', { readInclude: () => ({ text: 'a'.repeat(1024 * 1024 + 1) }) });
    expect(large.refused[0]?.reason).toBe('it is larger than 1048576 characters');
    const many = expand('all: :include:/a', 'all', { readInclude: () => ({ text: 'a,'.repeat(10_001) }) });
    expect(many.refused[0]?.reason).toBe('it names more than 10000 targets');
  });

  it('keeps the wishes of the recipient and names the address that was given', () => {
    const { aliases } = parseAliases('root: ann@example.org, bob@example.org', 'aliases');
    const given: NamedRecipient[] = [{ ...named('root'), notify: ['failure'] }];
    expect(expandAliases(given, aliases, options).recipients).toEqual([
      {
        address: { local: 'ann', domain: 'example.org' },
        notify: ['failure'],
        original: 'rfc822;root@example.net',
      },
      {
        address: { local: 'bob', domain: 'example.org' },
        notify: ['failure'],
        original: 'rfc822;root@example.net',
      },
    ]);
    const own: NamedRecipient[] = [{ ...named('root'), notify: 'never', original: 'rfc822;x@example.com' }];
    expect(expandAliases(own, aliases, options).recipients[0]).toEqual({
      address: { local: 'ann', domain: 'example.org' },
      notify: 'never',
      original: 'rfc822;x@example.com',
    });
    expect(expandAliases([named('root')], aliases, options).recipients[0]).toEqual({
      address: { local: 'ann', domain: 'example.org' },
    });
  });

  it('says of each refusal whose mail it concerns', () => {
    expect(expand('log: /dev/null', 'log').refused[0]?.recipient).toEqual({
      address: { local: 'log', domain: 'example.net' },
    });
  });

  it('tells each step with its file and line', () => {
    expect(expand('# x\nroot: ann\nann: ann@example.org', 'root').steps).toEqual([
      { from: 'root@example.net', by: 'alias', to: ['ann'], file: 'aliases', line: 2 },
      { from: 'ann@example.net', by: 'alias', to: ['ann@example.org'], file: 'aliases', line: 3 },
    ]);
  });

  it('ends with every recipient kept or refused, for any table', () => {
    const name = fc.constantFrom('a', 'b', 'c', 'd', 'default', '\\a', 'a@localhost', 'b@example.org', '|x', '/y');
    const row = fc.tuple(
      fc.constantFrom('a', 'b', 'c', 'd', 'default'),
      fc.array(name, { minLength: 1, maxLength: 4 }),
    );
    fc.assert(
      fc.property(fc.array(row, { maxLength: 6 }), (rows) => {
        const text = rows.map(([left, right]) => `${left}: ${right.join(', ')}`).join('\n');
        for (const asked of ['a', 'b', 'd']) {
          const { recipients, refused } = expand(text, asked);
          expect(recipients.length + refused.length).toBeGreaterThan(0);
          expect(new Set(recipients.map(({ address }) => formatAddress(address))).size).toBe(recipients.length);
        }
      }),
      { seed: 4, numRuns: 200 },
    );
  });
});
