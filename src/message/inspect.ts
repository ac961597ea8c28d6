/*
 * A readable summary of a message, for `--dry-run`. The only file that knows mailparser; who calls it loads it with
 * `import()`, since most sends never need it. What it tells is for eyes: decoded, cut, and with control characters
 * escaped. A message's first MiB is enough for that, so no more is read, and `truncated` says where that was so.
 */
import { type AddressObject, simpleParser } from 'mailparser';
import { escapeControls } from '../mail/printable.ts';
import type { Message } from './message.ts';

/** Octets of a message that are looked at. */
export const INSPECTED = 1_048_576;
/** Characters of the text that are shown. */
const PREVIEW = 2000;
/** Characters of a header value that are shown. */
const VALUE = 500;
const PARTS = 100;

export interface PartSummary {
  readonly type: string;
  /** Octets after decoding; of what was looked at. */
  readonly size: number;
  readonly filename?: string;
}

export interface Summary {
  readonly from?: string;
  readonly to?: string;
  readonly cc?: string;
  readonly subject?: string;
  /** ISO 8601. */
  readonly date?: string;
  /** Text, HTML and attachments, at most a hundred. */
  readonly parts: readonly PartSummary[];
  /** The first lines of the text, each escaped, with LF between. */
  readonly preview: string;
  /** The message is larger than what was looked at. */
  readonly truncated: boolean;
}

async function start(message: Pick<Message, 'header' | 'body'>): Promise<Buffer> {
  const kept = [message.header.subarray(0, INSPECTED)];
  let room = INSPECTED - message.header.length;
  if (room > 0) {
    for await (const chunk of message.body.chunks()) {
      kept.push(Buffer.from(chunk.subarray(0, room)));
      room -= chunk.length;
      if (room <= 0) break;
    }
  }
  return Buffer.concat(kept);
}

const shown = (text: string): string => escapeControls(text.length > VALUE ? `${text.slice(0, VALUE)}…` : text);

const addresses = (found: AddressObject | AddressObject[] | undefined): string | undefined =>
  found === undefined
    ? undefined
    : shown(
        [found]
          .flat()
          .map(({ text }) => text)
          .join(', '),
      );

/** The fields of `all` that have a value. */
function present<T extends object>(all: T): { [K in keyof T]?: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(all).filter(([, value]) => value !== undefined)) as never;
}

function preview(text: string): string {
  const cut = text.length > PREVIEW ? `${text.slice(0, PREVIEW)}…` : text;
  return cut
    .split(/\r?\n/)
    .map((line) => escapeControls(line.replaceAll('\t', '    ')))
    .join('\n')
    .trimEnd();
}

/** Summarises a message. @throws {Error} where it can't be read or parsed */
export async function inspect(message: Pick<Message, 'header' | 'body'>): Promise<Summary> {
  const mail = await simpleParser(await start(message), {
    skipHtmlToText: true,
    skipTextToHtml: true,
    skipImageLinks: true,
    skipTextLinks: true,
  });
  const texts = [
    { type: 'text/plain', size: Buffer.byteLength(mail.text ?? '') },
    { type: 'text/html', size: Buffer.byteLength(mail.html || '') },
  ].filter(({ size }) => size > 0);
  const attachments = mail.attachments.map(({ contentType, size, filename }) => ({
    type: shown(contentType),
    size,
    ...(filename === undefined ? {} : { filename: shown(filename) }),
  }));
  return {
    ...present({
      from: addresses(mail.from),
      to: addresses(mail.to),
      cc: addresses(mail.cc),
      subject: mail.subject === undefined ? undefined : shown(mail.subject),
      date: mail.date?.toISOString(),
    }),
    parts: [...texts, ...attachments].slice(0, PARTS),
    preview: preview(mail.text ?? ''),
    truncated: message.header.length + message.body.size > INSPECTED,
  };
}
