import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  type AliasTarget,
  checkAliases,
  formatFault,
  MAX_ALIAS_TEXT,
  mergeAliases,
  parseAliases,
  readAliasTable,
} from '../../src/config/alias-file.ts';
import { formatAddress } from '../../src/mail/address.ts';

function word(target: AliasTarget): string {
  switch (target.kind) {
    case 'local':
      return `${target.final ? '\\' : ''}${target.local}`;
    case 'address':
      return formatAddress(target.address);
    case 'include':
      return `:include:${target.path}`;
    case 'refused':
      return `!${target.text}`;
  }
}

/** `name=target,target` for each alias. */
const shown = (text: string): string[] =>
  [...parseAliases(text, 'aliases').aliases.values()].map(
    ({ name, targets }) => `${name}=${targets.map(word).join(',')}`,
  );

function good(text: string, ...want: string[]): void {
  expect(shown(text)).toEqual(want);
  expect(parseAliases(text, 'aliases').faults).toEqual([]);
}

function bad(text: string, ...why: string[]): void {
  expect(parseAliases(text, '/etc/aliases').faults.map(formatFault)).toEqual(why);
}

describe('parseAliases()', () => {
  it('reads names, addresses and lists', () => {
    good('root: ann', 'root=ann');
    good('root:ann@example.org', 'root=ann@example.org');
    good('root : ann , bob,,cy@EXAMPLE.org,', 'root=ann,bob,cy@example.org');
    good('a: "Ann, of Ex" <ann@example.org>, <bob>', 'a=ann@example.org,bob');
    good('a: "b c"@example.org', 'a="b c"@example.org');
    good('a@example.org: b', 'a@example.org=b');
    good('ümläut: ann', 'ümläut=ann');
  });

  it('reads quoted names', () => {
    good('"Mad Max": max', 'Mad Max=max');
    good('"a:b" : c', 'a:b=c');
    good('"a\\"b": c', 'a"b=c');
  });

  it('reads what goes on over lines, across blank lines and comments', () => {
    good('a: b,\n\tc,\n# not a word\n\n  d\ne: f', 'a=b,c,d', 'e=f');
    good('a: b,\r\n c\r\n', 'a=b,c');
  });

  it('passes over comments, blank lines and a byte order mark', () => {
    good('\ufeff# x\n\n   \n  # y\na: b # to bob\nc: "d#e"@example.org, f#g', 'a=b', 'c=d#e@example.org,f#g');
    good('');
  });

  it('keeps final names and included files', () => {
    good('a: \\b, \\c', 'a=\\b,\\c');
    good('a: :include:/etc/list, ":include:/etc/other list"', 'a=:include:/etc/list,:include:/etc/other list');
  });

  it('refuses targets that are commands or files', () => {
    bad(
      '\na: "|/bin/cat, -x"',
      '/etc/aliases:2: alias "a": "\\"|/bin/cat, -x\\"" is a command: mail is given to no command',
    );
    bad('a: |/bin/cat', '/etc/aliases:1: alias "a": "|/bin/cat" is a command: mail is given to no command');
    bad('a: /var/mail/a', '/etc/aliases:1: alias "a": "/var/mail/a" is a file: mail is written to no file');
    bad(
      'a: :fail: gone',
      '/etc/aliases:1: alias "a": ":fail: gone" is no address, and of such words only ":include:" is known',
    );
    bad('a: :include:list', '/etc/aliases:1: alias "a": ":include:list" names no file by its whole path');
  });

  it('tells of each bad line and reads the others', () => {
    bad('root ann@example.org', '/etc/aliases:1: no ":" stands behind the name: "root ann@example.org"');
    bad(' a: b', '/etc/aliases:1: it goes on from a line that is not there');
    bad(': b', '/etc/aliases:1: the name is missing');
    bad('a:', '/etc/aliases:1: alias "a" names nobody');
    bad('a: b\nc: d\nA: e', '/etc/aliases:3: alias "A" is there already, in line 1');
    bad('a: b c', '/etc/aliases:1: alias "a": "b c" is no address: a name needs "<" and ">" around the address');
    bad('a: b@', '/etc/aliases:1: alias "a": "b@" is no address: domain is missing');
    bad('a\0: b', '/etc/aliases:1: name "a\\x00" holds a control character');
    expect(shown('x\na: b c, d\ne: f')).toEqual(['a=!b c,d', 'e=f']);
  });

  it('does not read what is too large', () => {
    bad('a'.repeat(MAX_ALIAS_TEXT + 1), '/etc/aliases: it is larger than 4194304 characters');
    bad(`a: ${'b,'.repeat(10_001)}`, '/etc/aliases:1: alias "a" has more than 10000 targets');
  });

  it('never throws, names a line that is there, and is quick with anything', () => {
    const piece = fc.constantFrom(
      ':',
      ',',
      '"',
      '\\',
      '\n',
      ' ',
      '#',
      'a',
      '|',
      '/',
      ':include:',
      '<',
      '@',
      'b@c.example',
    );
    fc.assert(
      fc.property(fc.array(fc.oneof(piece, fc.string({ maxLength: 3 })), { maxLength: 40 }), (pieces) => {
        const text = pieces.join('');
        const { aliases, faults } = parseAliases(text, 'f');
        const lines = text.split('\n').length;
        for (const { line = 1 } of [...aliases.values(), ...faults]) expect(line >= 1 && line <= lines).toBe(true);
      }),
      { seed: 4, numRuns: 300 },
    );
    expect(parseAliases('"\\'.repeat(500_000), 'f').faults).toHaveLength(1);
    expect(parseAliases(`a: ${'('.repeat(500_000)}`, 'f').faults).toHaveLength(1);
  });
});

describe('readAliasTable() and mergeAliases()', () => {
  it('let the configuration stand over the file', () => {
    const file = parseAliases('root: ann\nbob: cy', '/etc/aliases').aliases;
    const { aliases, faults } = readAliasTable({ Root: 'dan@example.org, ann', x: '' }, 'config.toml');
    expect(faults.map(formatFault)).toEqual(['config.toml: alias "x" names nobody']);
    const merged = mergeAliases(file, aliases);
    expect([...merged.keys()]).toEqual(['root', 'bob']);
    expect(merged.get('root')).toMatchObject({ name: 'Root', file: 'config.toml' });
    expect(merged.get('root')?.targets).toHaveLength(2);
  });
});

describe('checkAliases()', () => {
  it('counts aliases and tells what is wrong', () => {
    expect(checkAliases('a: b\nc: d\ne', 'f')).toEqual({
      count: 2,
      faults: [{ file: 'f', line: 3, text: 'no ":" stands behind the name: "e"' }],
    });
  });
});
