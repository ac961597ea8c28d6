import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  chownSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { openPolicyMemory, policyMemoryOf } from '../../src/submit/policy-memory.ts';
import { isPolicyId, isStsPolicy, type KnownPolicy } from '../../src/tls/mta-sts.ts';
import { scratchFolder } from '../support/spool.ts';

const NOW = Date.parse('2026-01-15T12:00:00.250Z');
const KNOWN: KnownPolicy = {
  id: '20260115T120000',
  policy: { mode: 'enforce', mx: ['mx1.example.org', '*.example.net'], maxAge: 604_800 },
  fetched: NOW,
};
const LINE =
  '{"id":"20260115T120000","fetched":"2026-01-15T12:00:00.250Z","mode":"enforce","max_age":604800,"mx":["mx1.example.org","*.example.net"]}';

const place = () => join(scratchFolder(), 'state', 'mta-sts.json');

/** A memory in a file that says this. */
function written(text: string) {
  const path = place();
  mkdirSync(join(path, '..'));
  writeFileSync(path, text, { mode: 0o600 });
  return { path, memory: openPolicyMemory(path) };
}

describe('openPolicyMemory()', () => {
  test('remembers for another process, in lines that a person can take away', () => {
    const path = place();
    const memory = openPolicyMemory(path);
    expect(memory.recall('example.org')).toBeUndefined();
    memory.keep('example.org', KNOWN);
    memory.keepFailure('b.test', '7', NOW);
    expect(openPolicyMemory(path).recall('example.org')).toEqual(KNOWN);
    expect(openPolicyMemory(path).failed('b.test', '7')).toBe(NOW);
    const failure = '"b.test": {"failed":{"id":"7","time":"2026-01-15T12:00:00.250Z"}}';
    expect(readFileSync(path, 'utf8')).toBe(`{\n  ${failure},\n  "example.org": ${LINE}\n}\n`);
    expect([statSync(path).mode & 0o777, statSync(join(path, '..')).mode & 0o777]).toEqual([0o600, 0o700]);
    expect(readdirSync(join(path, '..'))).toEqual(['mta-sts.json']);
    writeFileSync(path, `{\n  ${failure}\n}\n`);
    expect(memory.recall('example.org')).toBeUndefined();
  });

  test.each([
    ['testing', ['a.test'], 0],
    ['none', [], 86_400],
    ['enforce', ['_a.b-c.test'], 31_557_600],
  ] as const)('gives back a policy that is %s', (mode, mx, maxAge) => {
    const path = place();
    const known = { id: 'a', policy: { mode, mx, maxAge }, fetched: 0 };
    openPolicyMemory(path).keep('b.test', known);
    expect(openPolicyMemory(path).recall('b.test')).toEqual(known);
  });

  test('knows a failure beside the policy, of one id, until there is a new policy', () => {
    const memory = openPolicyMemory(place());
    memory.keep('b.test', KNOWN);
    memory.keepFailure('b.test', '7', NOW);
    expect([memory.recall('b.test'), memory.failed('b.test', '7')]).toEqual([KNOWN, NOW]);
    expect(memory.failed('b.test', '8')).toBeUndefined();
    memory.keepFailure('b.test', '8', NOW + 1000);
    expect([memory.failed('b.test', '7'), memory.failed('b.test', '8')]).toEqual([undefined, NOW + 1000]);
    const next = { ...KNOWN, id: '8' };
    memory.keep('b.test', next);
    expect([memory.recall('b.test'), memory.failed('b.test', '8')]).toEqual([next, undefined]);
  });

  test('takes what another process has written meanwhile', () => {
    const path = place();
    const [one, other] = [openPolicyMemory(path), openPolicyMemory(path)];
    one.keep('a.test', KNOWN);
    other.keep('b.test', { ...KNOWN, id: '2' });
    one.keep('c.test', { ...KNOWN, id: '3' });
    expect(['a.test', 'b.test', 'c.test'].map((domain) => other.recall(domain)?.id)).toEqual([KNOWN.id, '2', '3']);
  });

  test('keeps a thousand domains, the latest', () => {
    const lines = Array.from({ length: 1000 }, (_, index) => `"d${index}.test": ${LINE}`);
    const { memory } = written(`{${lines.join(',')}}`);
    memory.keep('d0.test', KNOWN);
    memory.keep('new.test', KNOWN);
    const known = ['d0.test', 'd1.test', 'd2.test', 'd999.test', 'new.test'].filter((one) => memory.recall(one));
    expect(known).toEqual(['d0.test', 'd2.test', 'd999.test', 'new.test']);
  });

  test('lets failures go before policies', () => {
    const lines = Array.from({ length: 999 }, (_, index) => `"d${index}.test": ${LINE}`);
    const { memory } = written(`{${lines.join(',')}}`);
    memory.keepFailure('x1.test', '1', NOW);
    memory.keepFailure('x2.test', '1', NOW);
    expect([memory.failed('x1.test', '1'), memory.failed('x2.test', '1')]).toEqual([undefined, NOW]);
    expect(memory.recall('d0.test')).toEqual(KNOWN);
  });

  test('stays small enough to be read, and lets the oldest go', () => {
    const mx = Array.from({ length: 60 }, (_, index) => `mx${index}.${'a'.repeat(50)}.test`);
    const large = { ...KNOWN, policy: { ...KNOWN.policy, mx } };
    const line = LINE.replace(/"mx":.*/, `"mx":${JSON.stringify(mx)}}`);
    const lines = Array.from({ length: Math.floor(524_288 / (line.length + 20)) }, (_, at) => `"d${at}.test": ${line}`);
    const { memory, path } = written(`{${lines.join(',')}}`);
    expect(memory.recall('d0.test')).toEqual(large);
    for (const domain of ['x1.test', 'x2.test']) memory.keep(domain, large);
    expect(statSync(path).size).toBeLessThanOrEqual(524_288);
    expect(statSync(path).size).toBeGreaterThan(524_288 - 4096);
    expect([memory.recall('d0.test'), memory.recall('x2.test')]).toEqual([undefined, large]);
  });

  test('uses the last octet of its size, and no more', () => {
    const lineOf = (name: string, hosts: number): string => {
      const mx = Array.from({ length: hosts }, (_, index) => `mx${index}.${'a'.repeat(50)}.test`);
      return `  "${name}": ${LINE.replace(/"mx":.*/, `"mx":${JSON.stringify(mx)}}`)}`;
    };
    const lines = [...Array.from({ length: 134 }, (_, index) => `d${index}.test`), 'filler.test'];
    const text = `{\n${lines.map((name) => lineOf(name, name === 'filler.test' ? 45 : 60)).join(',\n')}\n}\n`;
    // A line more than before: its name is of as many octets as are left.
    const left = 524_288 - text.length - `,\n  "": ${LINE}`.length;
    const nameOf = (length: number): string => `${`${'a'.repeat(49)}.`.repeat(5).slice(0, length - 2)}zz`;
    expect([left > 10, left < 240]).toEqual([true, true]);
    const whole = written(text);
    whole.memory.keep(nameOf(left), KNOWN);
    expect([statSync(whole.path).size, whole.memory.recall('d0.test') !== undefined]).toEqual([524_288, true]);
    const over = written(text);
    over.memory.keep(nameOf(left + 1), KNOWN);
    expect([over.memory.recall('d0.test'), over.memory.recall(nameOf(left + 1))]).toEqual([undefined, KNOWN]);
  });

  test('remembers none that takes more than its share, and not the one before it', () => {
    const memory = openPolicyMemory(place());
    memory.keep('a.test', KNOWN);
    memory.keep('b.test', KNOWN);
    const mx = Array.from({ length: 300 }, (_, index) => `mx${index}.host.test`);
    memory.keep('b.test', { ...KNOWN, policy: { ...KNOWN.policy, mx } });
    expect([memory.recall('b.test'), memory.recall('a.test')]).toEqual([undefined, KNOWN]);
  });

  test('believes no file that others can have written', () => {
    const { path, memory } = written(`{"example.org": ${LINE}}`);
    for (const mode of [0o600, 0o400, 0o644]) {
      chmodSync(path, mode);
      expect(memory.recall('example.org')).toEqual(KNOWN);
    }
    for (const mode of [0o620, 0o602, 0o666]) {
      chmodSync(path, mode);
      expect(memory.recall('example.org')).toBeUndefined();
    }
    chmodSync(path, 0o600);
    symlinkSync(path, `${path}.link`);
    expect(openPolicyMemory(`${path}.link`).recall('example.org')).toBeUndefined();
    if (process.geteuid?.() !== 0) return;
    chownSync(path, 12_345, 12_345);
    expect(memory.recall('example.org')).toBeUndefined();
    memory.keep('b.test', KNOWN);
    expect([memory.recall('b.test'), memory.recall('example.org'), statSync(path).uid]).toEqual([KNOWN, undefined, 0]);
  });

  const bad = (name: string, line: string, domain = 'b.test'): void =>
    test(`knows nothing of a domain with ${name}, and all of the others`, () => {
      expect(line).not.toBe(LINE);
      const { memory } = written(`{"a.test": ${LINE}, ${JSON.stringify(domain)}: ${line}, "c.test": ${LINE}}`);
      expect(['a.test', domain, 'c.test'].map((one) => memory.recall(one))).toEqual([KNOWN, undefined, KNOWN]);
    });
  bad('nothing', 'null');
  bad('a list', '[]');
  bad('no id', LINE.replace('"id"', '"ID"'));
  bad('an id that is none', LINE.replace('T120000', ' T12'));
  bad('an id that is a number', LINE.replace('"20260115T120000"', '7'));
  bad('no time', LINE.replace('fetched', 'then'));
  bad('a time that is a number', LINE.replace('"2026-01-15T12:00:00.250Z"', '1'));
  bad('a day that is none', LINE.replace('2026-01-15', '2026-13-15'));
  bad('a time with words', LINE.replace('.250Z', ' GMT'));
  bad('another mode', LINE.replace('enforce', 'Enforce'));
  bad('an age below 0', LINE.replace('604800', '-1'));
  bad('an age of more than a year', LINE.replace('604800', '31557601'));
  bad('half a second', LINE.replace('604800', '0.5'));
  bad('an age that is a text', LINE.replace('604800', '"604800"'));
  bad('no mx', LINE.replace(/"mx":\[.*\]/, '"mx":[]'));
  bad('an mx that is none', LINE.replace('mx1.', 'mx1/'));
  bad('an mx of all hosts', LINE.replace('*.example.net', '*'));
  bad('an mx that is no text', LINE.replace('"*.example.net"', '{}'));
  bad('an mx in upper case', LINE.replace('mx1', 'MX1'));
  bad('mx that are no list', LINE.replace(/\[.*\]/, '{"length":1}'));
  const taken = ` ${LINE}`;
  bad('a name in upper case', taken, 'B.test');
  bad('a name with a final dot', taken, 'b.test.');
  bad('an address for a name', taken, '192.0.2.1');
  bad('a name of nothing', taken, '');

  test.each([
    ...['', '{', 'null', '[]', '3', '"x"', '\xff', '['.repeat(100_000), `{"example.org": ${LINE}`],
    `{"example.org": ${LINE}}${' '.repeat(524_288)}`,
  ])('makes nothing of %.20j, and writes a new file', (text) => {
    const { memory, path } = written(text);
    expect(memory.recall('example.org')).toBeUndefined();
    memory.keep('b.test', KNOWN);
    expect(openPolicyMemory(path).recall('b.test')).toEqual(KNOWN);
  });

  test('is no trouble where it can be neither read nor written', () => {
    const folder = scratchFolder();
    writeFileSync(join(folder, 'file'), '');
    execFileSync('mkfifo', [join(folder, 'fifo')]);
    mkdirSync(join(folder, 'folder'));
    for (const name of ['file/below', 'folder']) {
      const memory = openPolicyMemory(join(folder, name));
      memory.keep('b.test', KNOWN);
      memory.keepFailure('b.test', '1', NOW);
      expect([memory.recall('b.test'), memory.failed('b.test', '1')]).toEqual([undefined, undefined]);
    }
    expect(openPolicyMemory(join(folder, 'fifo')).recall('b.test')).toBeUndefined();
    expect(readdirSync(folder).sort()).toEqual(['fifo', 'file', 'folder']);
  });

  test('takes no name of an object’s own for a domain, and keeps one that is', () => {
    const memory = openPolicyMemory(place());
    for (const name of ['constructor', '__proto__', 'toString']) expect(memory.recall(name)).toBeUndefined();
    memory.keep('__proto__', KNOWN);
    memory.keep('b.test', KNOWN);
    expect([memory.recall('__proto__'), memory.recall('b.test')]).toEqual([KNOWN, KNOWN]);
  });

  test.each([Number.NaN, Number.POSITIVE_INFINITY, 9e15, 8e15])('forgets what was had at %s', (time) => {
    const memory = openPolicyMemory(place());
    memory.keep('a.test', KNOWN);
    memory.keep('b.test', { ...KNOWN, fetched: time });
    memory.keepFailure('a.test', '1', time);
    expect([memory.recall('a.test'), memory.recall('b.test')]).toEqual([KNOWN, undefined]);
    expect(memory.failed('a.test', '1')).toBeUndefined();
  });

  test('believes only what it could have written, whatever the file says', () => {
    const path = place();
    mkdirSync(join(path, '..'));
    const value = fc.oneof(fc.jsonValue({ maxDepth: 2 }), fc.constantFrom(KNOWN.id, 'enforce', 604_800, ['a.test']));
    const time = fc.oneof(value, fc.constant('2026-01-15T12:00:00Z'));
    const line = fc.record({ id: value, fetched: time, mode: value, max_age: value, mx: value, failed: value });
    const texts = fc.oneof(
      fc.string({ unit: 'binary', maxLength: 100 }),
      fc.json(),
      line.map((one) => JSON.stringify({ 'b.test': one })),
      // A line that is damaged somewhere.
      fc
        .tuple(fc.nat(LINE.length), fc.string({ maxLength: 2 }))
        .map(([at, more]) => `{"b.test":${LINE.slice(0, at)}${more}${LINE.slice(at + 1)}}`),
    );
    let believed = 0;
    fc.assert(
      fc.property(texts, (text) => {
        writeFileSync(path, text, { mode: 0o600 });
        const memory = openPolicyMemory(path);
        const known = memory.recall('b.test');
        if (known !== undefined) {
          believed += 1;
          expect([isPolicyId(known.id), isStsPolicy(known.policy), Number.isInteger(known.fetched)]).toEqual([
            true,
            true,
            true,
          ]);
        }
        memory.keep('c.test', KNOWN);
        expect([memory.recall('b.test'), memory.recall('c.test')]).toEqual([known, KNOWN]);
      }),
      { seed: 8461, numRuns: 200 },
    );
    expect(believed).toBeGreaterThan(3);
  });
});

describe('policyMemoryOf()', () => {
  const asker = (env: Readonly<Record<string, string>>, uid: number) => ({
    env,
    uid,
    home: () => undefined,
    cwd: () => '/',
  });

  test('is in the folder of what was learned', () => {
    const folder = scratchFolder();
    policyMemoryOf(asker({ POSTHASTE_STATE: folder }, 1)).keep('b.test', KNOWN);
    expect(policyMemoryOf(asker({ XDG_STATE_HOME: join(folder, 'x') }, 1)).recall('b.test')).toBeUndefined();
    expect(openPolicyMemory(join(folder, 'mta-sts.json')).recall('b.test')).toEqual(KNOWN);
  });

  test('lasts as long as the process where there is no place for it', () => {
    const memory = policyMemoryOf(asker({}, 1));
    memory.keep('b.test', KNOWN);
    memory.keepFailure('c.test', '1', NOW);
    expect([memory.recall('b.test'), memory.failed('c.test', '1')]).toEqual([KNOWN, NOW]);
    expect(policyMemoryOf(asker({}, 1)).recall('b.test')).toBeUndefined();
    expect(existsSync('/mta-sts.json')).toBe(false);
  });
});
