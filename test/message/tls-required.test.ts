import { expect, test } from 'vitest';
import { waivesTls } from '../../src/message/tls-required.ts';

const lines = (...all: readonly string[]): Buffer => Buffer.from([...all, '', ''].join('\r\n'));

test.each([
  [['TLS-Required: No']],
  [['Subject: x', 'tls-required:NO', 'To: a@b.test']],
  [['TLS-Required :\t', ' no ', 'To: a@b.test']],
])('waivesTls() is true for %j', (header) => expect(waivesTls(lines(...header))).toBe(true));

test.each([
  [['Subject: x']],
  [['TLS-Required: Yes']],
  [['TLS-Required: Nothing']],
  [['TLS-Required: No way']],
  [['X-TLS-Required: No']],
  [['Subject: x', ' TLS-Required: No']],
  [['Subject: TLS-Required: No']],
])('waivesTls() is false for %j', (header) => expect(waivesTls(lines(...header))).toBe(false));

test('waivesTls() comes to its end with the largest header', () => {
  expect(waivesTls(Buffer.from(`TLS-Required:${'\r\n '.repeat(5_000_000)}x\r\n\r\n`))).toBe(false);
});
