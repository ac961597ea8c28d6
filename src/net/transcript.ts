import { escapeControls } from '../mail/printable.ts';
import type { Reply } from '../mail/reply.ts';
import { type Peer, type TlsFacts, trustText } from '../mail/result.ts';

/** What was said on a connection, as `-v` shows it: no secret, no body, nothing that a terminal would obey. */
export interface Transcript {
  /** `secretAfter` as in `smtp/dialogue`: what follows it is shown as `<secret>`. */
  client(line: string, secretAfter?: string): void;
  body(octets: number): void;
  server(reply: Reply): void;
  /** Something that happened and was not said. */
  note(text: string): void;
  /** The latest lines, oldest first. */
  lines(): readonly string[];
}

export interface TranscriptOptions {
  /** Milliseconds; lines show the time since the transcript was begun. */
  monotonic(): number;
  /** Is given each line as it comes, without a line end. Must not throw. */
  readonly sink?: (line: string) => void;
  /** How many lines are kept. Default 200: the end of a dialogue with 100 recipients. */
  readonly keep?: number;
}

export function createTranscript({ monotonic, sink, keep = 200 }: TranscriptOptions): Transcript {
  const start = monotonic();
  const kept: string[] = [];
  const add = (who: 'C' | 'S' | '--', text: string): void => {
    const time = String(Math.round(monotonic() - start)).padStart(6);
    const line = `${time} ${who.padStart(2)}: ${escapeControls(text)}`.trimEnd();
    if (keep > 0 && kept.push(line) > keep) kept.shift();
    sink?.(line);
  };
  return {
    client: (line, secretAfter) => add('C', secretAfter === undefined ? line : hideSecret(line, secretAfter)),
    body: (octets) => add('C', `<${octets} bytes>`),
    server({ code, lines }) {
      for (const [index, text] of lines.entries()) {
        const separator = index < lines.length - 1 ? '-' : ' ';
        add('S', `${code}${separator}${code === 334 ? hideChallenge(text) : text}`);
      }
    },
    note: (text) => add('--', text),
    lines: () => [...kept],
  };
}

/** `Username:` and `Password:` of LOGIN say nothing; another challenge could help to guess the password offline. */
const hideChallenge = (text: string): string =>
  ['', 'VXNlcm5hbWU6', 'UGFzc3dvcmQ6'].includes(text) ? text : '<secret>';

const hideSecret = (line: string, after: string): string => `${line.startsWith(after) ? after : ''}<secret>`;

/** Where a connection goes, for a note. */
export const peerText = ({ host, address, port }: Peer): string =>
  address.startsWith('/') ? `connected to ${address}` : `connected to ${host} [${address}] port ${port}`;

/** What is known of the encryption, a line for each kind of fact. */
export function tlsTexts(facts: TlsFacts): readonly string[] {
  const trust = facts.verified ? trustText(facts) : `not verified: ${facts.reason ?? 'no check was asked for'}`;
  const certificate =
    facts.fingerprint === undefined
      ? []
      : [
          `certificate of ${facts.subject ?? ''}, issued by ${facts.issuer ?? ''}, valid until ${facts.notAfter ?? ''}`,
          `certificate fingerprint ${facts.fingerprint}`,
        ];
  return [`${facts.version} ${facts.cipher}, ${trust}`, ...certificate];
}
