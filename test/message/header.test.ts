import { describe, expect, it } from 'vitest';
import {
  append,
  find,
  findAll,
  headerBytes,
  makeField,
  prepend,
  rawValue,
  remove,
  replace,
  unfoldedValue,
} from '../../src/message/header.ts';
import { split } from '../../src/message/split.ts';

function parse(text: string | Buffer) {
  const found = split(Buffer.from(text), true);
  if (found === 'more') throw new Error('undecided at the end');
  return found.fields;
}

const header = parse('Received: one\r\n\tfolded\r\nto: a\r\nSUBJECT : x\r\nReceived: two\r\nTo: b\r\n\r\n');

describe('find() and findAll()', () => {
  it('look names up without regard to case', () => {
    expect(find(header, 'subject')?.name).toBe('SUBJECT');
    expect(findAll(header, 'TO').map(unfoldedValue)).toEqual(['a', 'b']);
    expect(find(header, 'Cc')).toBeUndefined();
  });
});

describe('remove(), append(), prepend() and replace()', () => {
  it('leave every other field byte for byte and in order', () => {
    const date = makeField('Date', 'now');
    const done = append(prepend(remove(header, ['to']), [makeField('X', '1')]), [date]);
    expect(headerBytes(done).toString()).toBe(
      'X: 1\r\nReceived: one\r\n\tfolded\r\nSUBJECT : x\r\nReceived: two\r\nDate: now\r\n\r\n',
    );
    expect(headerBytes(header).toString()).toContain('to: a\r\nSUBJECT : x\r\n');
  });

  it('replace puts the new field where the first was and drops the others', () => {
    const done = replace(header, makeField('To', 'c'));
    expect(done.map(unfoldedValue)).toEqual(['one\tfolded', 'c', 'x', 'two']);
    expect(replace(header, makeField('Cc', 'd')).at(-1)?.name).toBe('Cc');
  });
});

describe('rawValue() and unfoldedValue()', () => {
  it('give the bytes after the colon, and the text on one line', () => {
    const [field] = parse('Subject :  a\r\n\tb \r\n  c:d \r\n\r\n');
    expect(field && rawValue(field).toString()).toBe('  a\r\n\tb \r\n  c:d ');
    expect(field && unfoldedValue(field)).toBe('a\tb   c:d');
  });

  it('read UTF-8 where it is, else Latin-1', () => {
    const fields = parse(Buffer.concat([Buffer.from('A: é\nB: '), Buffer.from([0xe9, 0x0a, 0x0a])]));
    expect(fields.map(unfoldedValue)).toEqual(['é', 'é']);
  });
});

describe('makeField()', () => {
  it('refuses what would not stay one field', () => {
    const bad = (name: string, value: string) => expect(() => makeField(name, value)).toThrow(TypeError);
    bad('A', 'x\r\nB: y');
    bad('A', 'x\ny');
    bad('A', 'x\ry');
    bad('A', 'x\0y');
    bad('A', 'x\r\n \r\n\r\nbody');
    bad('A', 'x\r\n ');
    bad('A:', 'x');
    bad('', 'x');
    bad('A\r\nB', 'x');
  });

  it('takes a folded value', () => {
    expect(makeField('A', 'x\r\n y').raw.toString()).toBe('A: x\r\n y\r\n');
  });
});
