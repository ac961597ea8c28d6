import { at, type Fault, fault } from './proof.ts';

/** The connection and the greeting. */
const CONNECT = {
  C01: fault('nobody listens on any address', 'table', at('net/connect', 'with each address and its reason')),
  C02: fault('the first MX refuses', 'table', at('delivery/deliver', 'goes to the next host when the first is down')),
  C04: fault('no greeting', 'table'),
  C05: fault('a greeting that drips and never ends', 'table', at('net/converse', 'bytes drip in')),
  C06: fault('closed or reset at once', 'table'),
  C07: fault('421 for a greeting', 'table', at('smtp/hello', 'takes a 421 greeting')),
  C08: fault(
    '5xx for a greeting: transient, as it is the host that is away',
    'table',
    at('smtp/hello', 'takes a 5xx greeting'),
  ),
  C09: fault('a greeting of many lines', 'table', at('smtp/hello', 'reads a greeting of many lines')),
  C10: fault('the reply to EHLO before EHLO', 'table'),
  C11: fault('another protocol, TLS too', 'table', at('smtp/parser', 'HTTP/1.1 400')),
  C12: fault('220 without a text or a CR', 'table', at('smtp/parser', '220\\n')),
  C13: fault('a code that is none', 'table', at('smtp/parser', '2200 hi')),
};

/** Replies at any stage. */
const REPLIES = {
  R03: fault('lines of one reply with different codes', 'table', at('smtp/parser', '250-one\\r\\n500 two')),
  R04: fault(
    'the last line of a reply is missing',
    'table',
    at('smtp/parser', 'when the last line or its end is missing'),
  ),
  R05: fault('half a line, then closed', 'table', at('smtp/parser', 'when the last line or its end is missing')),
  R06: fault('replies cut or joined anywhere', 'table', at('smtp/parser', 'reads the same however the bytes are cut')),
  R08: fault('1xx, 6xx and worse', 'table', at('smtp/parser', '850 hi')),
  R09: fault('3xx where 2xx is due', 'table'),
  R10: fault('codes nobody has heard of', 'table', at('smtp/parser', '299 a')),
  R11: fault('one reply too many', 'table', at('smtp/transaction', 'an extra reply moved the others')),
  R13: fault('a blank line before a reply: no reply', 'table', at('smtp/parser', '\\r\\n220 hi')),
  R14: fault('an enhanced status against its code', 'table', at('smtp/parser', 'contradicts')),
  R15: fault('421 that nobody asked for', 'table', at('net/converse', 'gives the 421 as a farewell')),
  R16: fault(
    'refused, and closed at once',
    'table',
    at('net/converse', 'has refused, closed and reset before the next write'),
  ),
};

const HELLO = {
  E01: fault('EHLO is refused, HELO is not', 'table', at('smtp/hello', 'is ready after EHLO')),
  E02: fault('EHLO is refused where TLS must be', 'table', at('smtp/hello', 'where TLS is required')),
  E03: fault(
    'EHLO and HELO are refused, or the server goes away',
    'table',
    at('smtp/hello', 'gives a host up that refuses both'),
  ),
  E04: fault('closed on EHLO', 'table', at('delivery/deliver', 'says HELO on a new connection')),
  E06: fault('the message is larger than SIZE', 'table', at('smtp/extensions', 'readExtensions() reads')),
  E08: fault(
    'an address that is not ASCII, and no SMTPUTF8',
    'table',
    at('delivery/deliver', 'a server without SMTPUTF8 can not name'),
  ),
  E10: fault(
    'our name is no FQDN',
    'table',
    at('cli/identity', 'never says localhost'),
    at('smtp/hello', 'refuses a name that would be another command'),
  ),
};

const ENVELOPE = {
  M01: fault('MAIL is refused', 'table', at('smtp/transaction', 'refuses all by the reply to MAIL')),
  M02: fault(
    '421 or closed at MAIL or RCPT',
    'table',
    at('smtp/transaction', 'keeps refusals that came before the connection was lost'),
  ),
  M03: fault('one recipient of two is refused', 'table'),
  M04: fault('one recipient of two is deferred', 'table'),
  M05: fault('too many recipients', 'table', at('delivery/deliver', 'had no room for in another transaction')),
  M07: fault(
    '354 although no recipient stands',
    'table',
    at('smtp/transaction', 'ends an empty message where 354 comes'),
  ),
  M08: fault('251 and 252', 'table', at('smtp/transaction', 'takes 251 and 252 as accepted')),
  M10: fault(
    'what each refusal means for the status',
    'table',
    at('cli/exit', 'recipientCode() of a recipient that failed'),
  ),
  M11: fault('a thousand recipients', 'table', at('delivery/deliver', 'no more recipients in a transaction than')),
  M12: fault('a recipient twice', 'table', at('message/recipients', 'dedupe() keeps the first')),
  M13: fault(
    'replies that are not read while we write',
    'table',
    at('net/send', 'does not deadlock when thousands of commands'),
  ),
  M14: fault('replies and commands do not match', 'table'),
  M16: fault('the null sender is refused', 'table'),
};

const MESSAGE = {
  D01: fault(
    'lines that begin with dots',
    'table',
    at('smtp/stuffing', 'adds one dot to each line that starts with a dot'),
  ),
  D02: fault(
    'no last line end, no body, nothing',
    'table',
    at('smtp/stuffing', 'adds the missing line end and the final dot once'),
  ),
  D03: fault('every kind of line end', 'table', at('message/lines', 'makes a line end of each CR that no LF follows')),
  D04: fault(
    'a second message hidden in the first, by DATA',
    'table',
    at('smtp/stuffing', 'push() leaves no second message'),
  ),
  D05: fault(
    'a second message hidden in the first, by BDAT',
    'table',
    at('smtp/stuffing', 'stuffs nothing in form plain'),
  ),
  D07: fault(
    'very long lines',
    'table',
    at('message/downgrade', 'leaves nothing that does not fit, and loses nothing'),
  ),
  D08: fault('8-bit text and no BINARYMIME', 'table', at('delivery/deliver', 're-encodes 8-bit content')),
  D09: fault(
    'DATA is refused, or not answered',
    'table',
    at('smtp/transaction', 'refuses those that stand by the reply to DATA'),
  ),
  D10: fault('250 in the place of 354', 'table', at('smtp/transaction', 'does not take 250 for 354')),
  D11: fault(
    '250 behind the 354, before the message',
    'table',
    at('smtp/transaction', 'does not believe a 250 that stands behind the 354'),
  ),
  D12: fault('refused in the middle of the message', 'table', at('net/send', 'when its answer comes before its end')),
  D14: fault('reset in the middle of the message', 'table'),
  D15: fault(
    'the reply to the final dot is lost',
    'table',
    at('smtp/judge', 'that the message may have been delivered'),
  ),
  D16: fault('the reply to the final dot is slow', 'table'),
  D17: fault(
    '250 to the final dot, and reset',
    'table',
    at('net/converse', 'the answer to the dot comes with the reset'),
  ),
  D18: fault('the message is refused at its end', 'table', at('smtp/transaction', 'by the reply to the final dot')),
  D19: fault(
    'LMTP: a reply for each recipient, or not',
    'table',
    at('smtp/transaction', 'one reply for each recipient'),
  ),
  D20: fault('PRDR is offered', 'table'),
  D21: fault('BDAT goes wrong', 'table', at('net/send', 'a chunk of BDAT gets shorter')),
  D22: fault(
    'the message can not be read to its end',
    at('net/send', 'without the final dot when'),
    at('faults/interrupted', 'the file is %s while it is sent: no dot'),
  ),
};

const QUIT = {
  Q01: fault('QUIT is answered with anything, or nothing', 'table', at('smtp/transaction', 'needs no reply to QUIT')),
  Q03: fault(
    'the clock jumps: limits are on one that does not, which all but a few files are kept to',
    at('architecture', 'only the files named touch the world'),
  ),
};

/** What the other side of a connection can do. */
export const DIALOGUE_FAULTS: Readonly<Record<string, Fault>> = {
  ...CONNECT,
  ...REPLIES,
  ...HELLO,
  ...ENVELOPE,
  ...MESSAGE,
  ...QUIT,
};
