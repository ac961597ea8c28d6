import type { Message } from '../../src/message/message.ts';
import { memorySource } from '../../src/message/source.ts';

/** A message as `prepare` would give it, for tests of what is behind it. The text's line ends are LF. */
export function messageOf(text: string, facts: Partial<Message['facts']> = {}): Message {
  const wire = Buffer.from(text.replaceAll('\n', '\r\n'));
  const end = wire.indexOf('\r\n\r\n') + 4;
  return {
    header: wire.subarray(0, end),
    body: memorySource(wire.subarray(end)),
    facts: {
      size: wire.length,
      eightBitHeader: false,
      eightBitBody: false,
      longestLine: Math.max(...text.split('\n').map((line) => line.length)),
      nul: false,
      ...facts,
    },
  };
}

export const HELLO = 'Subject: hi\n\nhello\n';
