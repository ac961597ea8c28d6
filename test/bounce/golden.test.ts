import { describe, expect, test } from 'vitest';
import { CASES } from './cases.ts';
import { bytesOf } from './fixtures.ts';

describe('reports are what they were', () => {
  test.each(Object.entries(CASES))('%s', async (name, make) => {
    const report = await make();
    if (report === undefined) throw new Error('there is no report');
    const text = bytesOf(report).toString(name === 'latin1' ? 'latin1' : 'utf8');
    expect(text.replaceAll('\r\n', '')).not.toMatch(/[\r\n\0\x1b]/);
    await expect(text.replaceAll('\r\n', '\n')).toMatchFileSnapshot(`../bounces/${name}.eml`);
  });
});
