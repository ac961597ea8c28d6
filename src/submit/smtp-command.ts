/*
 * One command line of a client (RFC 5321, section 4.1) as a value, or the reply that refuses it. Strict in what an address
 * is and which parameters there are, lenient in blanks (`MAIL FROM: <a@b>`) and brackets, as clients need it. An address
 * without a domain is one of this host's users, as on a command line.
 */
import { isUtf8 } from 'node:buffer';
import { type Address, needsUtf8 } from '../mail/address.ts';
import { parseAddressList } from '../mail/address-list.ts';
import { ANSWERS, type Answer } from './smtp-answer.ts';
import { type MailParameters, type RcptParameters, readMailParameters, readRcptParameters } from './smtp-parameters.ts';

export type Command =
  | { readonly verb: 'EHLO' }
  | { readonly verb: 'HELO' | 'VRFY' | 'DATA' | 'RSET' | 'NOOP' | 'HELP' | 'QUIT' }
  | { readonly verb: 'MAIL'; readonly sender: Address | null; readonly parameters: MailParameters }
  | {
      readonly verb: 'RCPT';
      readonly address: Address;
      readonly unqualified: boolean;
      readonly parameters: RcptParameters;
    }
  | { readonly verb: 'BDAT'; readonly size: number; readonly last: boolean };

/** `fatal`: nothing that follows can be understood. */
export type CommandReading = Command | { readonly refused: Answer; readonly fatal?: true };

/** Commands that exist somewhere, and not here: no second hop, no log-in, no LMTP. */
const NOT_HERE = /^(?:EXPN|LHLO|STARTTLS|AUTH|TURN|ETRN|ATRN|SEND|SOML|SAML|BURL|VERB)$/;

const refused = (answer: Answer): CommandReading => ({ refused: answer });

/** Reads a line without its line end; `domain` is what an address without one gets. */
export function readCommand(line: Buffer, domain: string): CommandReading {
  const octets = line.toString('latin1');
  const verb = /^[A-Za-z]*(?![^ \t])/.exec(octets)?.[0].toUpperCase() ?? '';
  if (/^BDAT/i.test(octets)) return readChunk(octets.slice(4).trim());
  if (!isUtf8(line) || /[\0-\x08\x0a-\x1f\x7f]/.test(octets)) return refused(ANSWERS.control);
  const argument = line.toString('utf8', verb.length).trim();
  switch (verb) {
    case 'EHLO':
    case 'HELO':
    case 'VRFY':
      return argument === '' ? refused(ANSWERS.argument) : { verb };
    case 'MAIL':
      return readMail(argument, domain);
    case 'RCPT':
      return readRcpt(argument, domain);
    case 'DATA':
    case 'RSET':
    case 'QUIT':
      return argument === '' ? { verb } : refused(ANSWERS.noArgument);
    case 'NOOP':
    case 'HELP':
      return { verb };
    default:
      return refused(NOT_HERE.test(verb) ? ANSWERS.notHere : ANSWERS.unknown);
  }
}

/** RFC 3030. Where the size can't be read, what follows can't be told from commands: the session has to end. */
function readChunk(argument: string): CommandReading {
  const match = /^(\d{1,15})(?:[ \t]+(LAST))?$/i.exec(argument);
  if (match === null) return { refused: ANSWERS.chunkSize, fatal: true };
  return { verb: 'BDAT', size: Number(match[1]), last: match[2] !== undefined };
}

function readMail(argument: string, domain: string): CommandReading {
  const path = readPath(argument, 'FROM');
  if (path === undefined) return refused({ ...ANSWERS.argument, text: 'Syntax is MAIL FROM:<address>' });
  const reading = readMailParameters(path.rest);
  if ('refused' in reading) return refused(reading.refused);
  const parameters = reading.value;
  if (path.inner === '') return { verb: 'MAIL', sender: null, parameters };
  const mailbox = readMailbox(path.inner, domain);
  if ('reason' in mailbox)
    return refused({ code: 501, status: '5.1.7', text: `Sender is no address: ${mailbox.reason}` });
  if (needsUtf8(mailbox.address) && !parameters.smtpUtf8) return refused(ANSWERS.needsUtf8);
  return { verb: 'MAIL', sender: mailbox.address, parameters };
}

function readRcpt(argument: string, domain: string): CommandReading {
  const path = readPath(argument, 'TO');
  if (path === undefined) return refused({ ...ANSWERS.argument, text: 'Syntax is RCPT TO:<address>' });
  const reading = readRcptParameters(path.rest);
  if ('refused' in reading) return refused(reading.refused);
  const mailbox = readMailbox(path.inner, domain);
  if ('reason' in mailbox) {
    return refused({ code: 501, status: '5.1.3', text: `Recipient is no address: ${mailbox.reason}` });
  }
  const { address, unqualified } = mailbox;
  return { verb: 'RCPT', address, unqualified, parameters: reading.value };
}

interface Path {
  /** What stands between the angle brackets. */
  readonly inner: string;
  /** The parameters. */
  readonly rest: string;
}

/** In brackets, where a quoted string may hold anything, or the next word. */
const PATH = /^(?:<((?:[^<>"\\]|\\.|"(?:[^"\\]|\\.)*")*)>|([^ \t<>]+))(?:[ \t]+(.*))?$/;

function readPath(argument: string, keyword: 'FROM' | 'TO'): Path | undefined {
  const colon = argument.indexOf(':');
  if (colon < 0 || argument.slice(0, colon).trimEnd().toUpperCase() !== keyword) return undefined;
  const match = PATH.exec(argument.slice(colon + 1).trimStart());
  return match === null ? undefined : { inner: (match[1] ?? match[2] ?? '').trim(), rest: match[3] ?? '' };
}

function readMailbox(inner: string, domain: string): { address: Address; unqualified: boolean } | { reason: string } {
  const { mailboxes, refused: bad } = parseAddressList(`<${inner}>`, { domain });
  const [first] = mailboxes;
  if (bad[0] !== undefined) return { reason: bad[0].reason };
  if (first === undefined || mailboxes.length > 1) return { reason: 'it is not one address' };
  return { address: first.address, unqualified: first.unqualified === true };
}
