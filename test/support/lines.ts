import fc from 'fast-check';
import { RUN_LIMIT } from '../../src/message/lines.ts';

/** The rule of line ends and the rule of dots as replacements, to hold the fast ways against. */
export function reference(bytes: Buffer, form: 'dots' | 'plain'): string {
  const runs = new RegExp(`\\r{${RUN_LIMIT}}|\\r*\\n|\\r`, 'g');
  const lines = bytes
    .toString('latin1')
    .replace(runs, (run) => (run.endsWith('\n') ? '\r\n' : '\r\n'.repeat(run.length)))
    .replace(/(?<!\r\n)(?<!^)$/, '\r\n');
  return form === 'plain' ? lines : `${lines.replace(/(^|\r\n)\./g, '$1..')}.\r\n`;
}

/** Bytes that are mostly line ends and dots, and some of everything else, with long stretches between. */
export const lineSoup: fc.Arbitrary<Buffer> = fc
  .array(
    fc.oneof(
      {
        weight: 6,
        arbitrary: fc.constantFrom('\r', '\n', '\r\n', '.', '\n.', '\r\r\n', '\r\n.\r\n', 'a', '\0', '\xe9'),
      },
      { weight: 2, arbitrary: fc.nat(140).map((length) => 'x'.repeat(length)) },
      { weight: 1, arbitrary: fc.uint8Array({ maxLength: 40 }).map((bytes) => Buffer.from(bytes).toString('latin1')) },
    ),
    { maxLength: 60 },
  )
  .map((parts) => Buffer.from(parts.join(''), 'latin1'));

/** The bytes in chunks of so many octets. */
export function* inChunks(bytes: Buffer, length: number): Generator<Buffer> {
  for (let at = 0; at < bytes.length; at += length) yield bytes.subarray(at, at + length);
}

/** D04 of SMTP smuggling: what some server takes for the end of a message, and no client may send. */
export const SMUGGLES: readonly string[] = [
  '\n.\n',
  '\n.\r\n',
  '\r.\r',
  '\r.\r\n',
  '\r\n.\r',
  '\r\n.\n',
  '\r\n..\r\n',
  '\r\n.\r\n',
  '\r\n\0.\r\n',
  '\r\r\n.\r\r\n',
  '\n\r.\n\r',
  '\n.\r\r\n',
  '\r.\n',
].map((end) => `text${end}MAIL FROM:<a@example.org>\r\nRCPT TO:<b@example.org>\r\nDATA\r\nsecond\r\n`);
