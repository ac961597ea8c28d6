/*
 * What a status means, for people who never read RFC 3463: what happened, and what they can do. The first row that
 * matches is taken. Nothing here is certain, since servers use these codes as they like; their own words follow.
 */
interface Row {
  readonly status: RegExp;
  readonly what: string;
  readonly todo: string;
}

const SPELLING = 'Check the address for typing mistakes, or ask the recipient for the right one.';
const ASK_THEM = 'Reach the recipient in another way: whoever runs their mail can look into it.';
const LATER = 'Send the message again later; if that fails too, reach the recipient in another way.';

const ROWS: readonly Row[] = [
  {
    status: /^4\.4\.7$/,
    what: 'It could not be delivered in the time allowed, and will not be tried again.',
    todo: LATER,
  },
  {
    status: /^5\.1\.[26]$|^5\.4\.4$/,
    what: 'The domain of the address takes no mail, or does not exist.',
    todo: SPELLING,
  },
  { status: /^5\.1\.10$/, what: 'The domain of the address says that it takes no mail.', todo: SPELLING },
  { status: /^5\.1\.[78]$/, what: 'Your own address was refused.', todo: 'Check the address that you send from.' },
  { status: /^5\.1\./, what: 'There seems to be no such address.', todo: SPELLING },
  { status: /^5\.2\.1$/, what: 'The mailbox is disabled.', todo: ASK_THEM },
  {
    status: /^5\.2\.2$/,
    what: 'The mailbox is full.',
    todo: 'Tell the recipient in another way, and send the message again later.',
  },
  {
    status: /^5\.2\.3$|^5\.3\.4$/,
    what: 'The message is too large for the recipient.',
    todo: 'Send it in smaller parts, or send a link to its contents.',
  },
  {
    status: /^5\.6\./,
    what: 'The server cannot take a message of this form.',
    todo: 'Send it as plain text, without attachments.',
  },
  {
    status: /^5\.7\./,
    what: 'The message was refused by a rule of the server.',
    todo: 'Its answer may say why, and how to reach the recipient.',
  },
  { status: /^5\.4\./, what: 'No way leads to the domain of the recipient.', todo: ASK_THEM },
  { status: /^5\.5\./, what: 'The servers did not understand each other.', todo: ASK_THEM },
  { status: /^4\.2\.2$/, what: 'The mailbox is full.', todo: '' },
  { status: /^4\.4\.|^4\.3\./, what: "The recipient's server could not be reached, or was not ready.", todo: '' },
  { status: /^4\.7\./, what: "The recipient's server asks for patience.", todo: '' },
  { status: /^4\./, what: "The recipient's server could not take it yet.", todo: '' },
];

const UNKNOWN: Row = { status: /^/, what: 'It was refused.', todo: ASK_THEM };

/** One or two sentences for each; `todo` is empty where nothing is to be done. */
export const explainStatus = (status: string): Pick<Row, 'what' | 'todo'> =>
  ROWS.find((row) => row.status.test(status)) ?? UNKNOWN;
