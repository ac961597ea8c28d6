import { describe, expect, test } from 'vitest';
import { findKeyLines } from '../../src/config/key-lines.ts';
import { nearestKey } from '../../src/config/nearest.ts';

describe('findKeyLines()', () => {
  const good = (text: string, want: Readonly<Record<string, number>>) =>
    test(`finds the keys of ${JSON.stringify(text).slice(0, 60)}`, () => {
      const lineOf = findKeyLines(text);
      const found = Object.keys(want).map((path) => [path, lineOf(path.split('/'))]);
      expect(Object.fromEntries(found)).toEqual(want);
    });
  good('', { a: 1 });
  good('a = 1\nb = 2', { a: 1, b: 2, c: 1 });
  good('\n# a = 1\n\r\n  a = 1', { a: 4 });
  good('[t]\na = 1\n\n[u] # x\na = 2', { t: 1, 't/a': 2, u: 4, 'u/a': 5, 'u/b': 4 });
  good('[ t . u ]\n a . b = 1', { t: 1, 't/u': 1, 't/u/a': 2, 't/u/a/b': 2, 't/u/a/b/0': 2 });
  good('x = 1\nt.a = 1\nt.b = 2', { t: 2, 't/a': 2, 't/b': 3 });
  good(`"a.b" = 1\n'c d' = 2\n"e\\"f" = 3\n"\\U00000061" = 4`, { 'a.b': 1, 'c d': 2, 'e"f': 3, '\\U00000061': 4 });
  good('a = """\nb = 1\n"""\nb = 2', { a: 1, b: 4 });
  good('a = """x""""\nb = 2', { a: 1, b: 2 });
  good("a = '''\nb = 1\n'''''\nb = 2", { a: 1, b: 4 });
  good('a = """\\"""\nb = 1\n"""\nb = 2', { a: 1, b: 4 });
  good('a = [ # ]\n"b = [",\n[1,\n2]\n]\nb = 2', { a: 1, b: 6 });
  good('a = "# [" # [\nb = 2', { a: 1, b: 2 });
  good('a = { b = 1,\nc = 2 }\nd = 2', { a: 1, 'a/b': 1, 'a/c': 1, d: 3 });
  good('[[l]]\na = 1\n[[l]]\nb = 2\n[l.c]\nd = 3', {
    l: 1,
    'l/0/a': 2,
    'l/1': 3,
    'l/1/b': 4,
    'l/1/c': 5,
    'l/1/c/d': 6,
  });
  good('a = 1\r\nb = 2\r\n', { a: 1, b: 2 });

  test('ends soon when the text is no TOML', () => {
    for (const text of [
      '='.repeat(1e5),
      '['.repeat(1e5),
      '"'.repeat(1e5),
      "'''\n".repeat(2e4),
      '\n'.repeat(1e5),
      '.'.repeat(1e5),
    ]) {
      expect(findKeyLines(text)(['a'])).toBe(1);
    }
  });
});

describe('nearestKey()', () => {
  const known = ['domain', 'mx.port', 'mx.allow_local', 'tls.ca', 'limits.sessions'];
  const near = (key: string, want: string | undefined) =>
    test(`finds ${want ?? 'nothing'} for ${key.slice(0, 40)}`, () => expect(nearestKey(key, known)).toBe(want));
  near('domian', 'domain');
  near('Domain', 'domain');
  near('port', 'mx.port');
  near('mx.Prot', 'mx.port');
  near('tls.cs', 'tls.ca');
  near('limit.session', 'limits.sessions');
  near('tls.sessions', 'limits.sessions');
  near('x', undefined);
  near('tls.nothing', undefined);
  near('', undefined);
  near('d'.repeat(100), undefined);
});
