/**
 * Transcripts of dialogues as tests write them, and `.smtp` files hold them. `play` runs a dialogue against one without
 * a socket; `startScriptedServer` plays the server's side of the same text over real sockets.
 *
 *     # a comment; blank lines are skipped, leading blanks too
 *     S: 220 mx.test ESMTP       the server says; CRLF is added
 *     C: EHLO client.test        the client says exactly this; … stands for any text
 *     S: 250-mx.test
 *     S: 250 PIPELINING
 *     C: MAIL FROM:<a@b.test>    lines of the client that follow one another are one flight:
 *     C: RCPT TO:<c@d.test>      `play` wants them in one flight, no more and no less
 *     C: DATA
 *     S: 250 ok
 *     S: 250 ok
 *     S: 354 go
 *     C: <message>               a body of any form; <message 120> has 120 octets before dot-stuffing
 *     C: QUIT
 *     S: 250 queued
 *     S: 221 bye                 may be left unread where the client does not wait for it
 *
 * In the server's text \r \n \t \\ and \xNN are escapes, and a \ at the end leaves CRLF out. What the server says before
 * the client's line is there before the client speaks (`S: 354 go`, `S: 250 early`, then `C: <message>`).
 *
 *     C: <half message>          the server has read the beginning of the body when it goes on
 *     --: tls                    both start TLS here; `tls-fails`: the handshake fails
 *     --: close                  the server closes; `reset`: with RST; `silence`: says nothing any more
 */
export type ScriptLine = { readonly at: number } & (
  | { readonly who: 'server'; readonly bytes: Buffer }
  | { readonly who: 'client'; readonly line: string }
  | { readonly who: 'message'; readonly size?: number; readonly half: boolean }
  | { readonly who: 'event'; readonly event: ScriptEvent }
);

const EVENTS = ['tls', 'tls-fails', 'close', 'reset', 'silence'] as const;
export type ScriptEvent = (typeof EVENTS)[number];

export function parseScript(text: string): readonly ScriptLine[] {
  const lines: ScriptLine[] = [];
  for (const [index, raw] of text.split('\n').entries()) {
    const line = raw.trimStart();
    if (line.trim() === '' || line.startsWith('#')) continue;
    lines.push(scriptLine(line, index + 1));
  }
  return lines;
}

function scriptLine(line: string, at: number): ScriptLine {
  const [, who, rest = ''] = /^(S|C|--):(?: (.*))?$/.exec(line) ?? [];
  if (who === 'S') return { at, who: 'server', bytes: serverBytes(rest) };
  if (who === '--') {
    const event = EVENTS.find((name) => name === rest.trim());
    if (event !== undefined) return { at, who: 'event', event };
  }
  if (who === 'C') {
    const message = /^<(half )?message(?: (\d+))?>$/.exec(rest.trim());
    if (message === null) return { at, who: 'client', line: rest };
    const size = message[2] === undefined ? {} : { size: Number(message[2]) };
    return { at, who: 'message', half: message[1] !== undefined, ...size };
  }
  throw new Error(`Cannot read script: line ${at} is ${JSON.stringify(line)}`);
}

function serverBytes(text: string): Buffer {
  const open = /(?<!\\)(?:\\\\)*\\$/.test(text);
  const pieces = (open ? text.slice(0, -1) : `${text}\r\n`).split(/(\\x[0-9a-fA-F]{2}|\\[rnt\\])/);
  return Buffer.concat(pieces.map((piece, index) => (index % 2 === 0 ? Buffer.from(piece) : unescaped(piece))));
}

function unescaped(text: string): Buffer {
  const named: Readonly<Record<string, number>> = { '\\r': 13, '\\n': 10, '\\t': 9, '\\\\': 92 };
  return Buffer.from([named[text] ?? Number.parseInt(text.slice(2), 16)]);
}

/** Whether the client's line is what the script wants, where … stands for any text. */
export function matchesLine(line: string, want: string): boolean {
  const pattern = want.split('…').map((literal) => literal.replace(/[.*+?^${}()|[\]\\]/g, '\\$&'));
  return new RegExp(`^${pattern.join('.*')}$`, 's').test(line);
}
