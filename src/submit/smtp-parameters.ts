import type { Envelope, Notify, Recipient } from '../mail/envelope.ts';
import { decodeUtf8Address, decodeXtext, encodeUtf8Address } from '../mail/xtext.ts';
import { ANSWERS, type Answer } from './smtp-answer.ts';

/** What MAIL says beside the sender; BODY (RFC 6152) is only checked, for the content is looked at instead. */
export interface MailParameters {
  /** Octets (RFC 1870). */
  readonly size?: number;
  /** RFC 6531. */
  readonly smtpUtf8: boolean;
  /** RET, ENVID (RFC 3461) and REQUIRETLS (RFC 8689). */
  readonly envelope: Pick<Envelope, 'id' | 'return' | 'requireTls'>;
}

/** What RCPT says beside the recipient: NOTIFY and ORCPT (RFC 3461). */
export type RcptParameters = Pick<Recipient, 'notify' | 'original'>;

type Reading<T> = { readonly value: T } | { readonly refused: Answer };

const wrong = (name: string, why: string): { refused: Answer } => ({
  refused: { ...ANSWERS.argument, text: `${name} ${why}` },
});
const isFault = (value: unknown): value is { refused: Answer } =>
  typeof value === 'object' && value !== null && 'refused' in value;

/** Names in upper case with their values; a name that stands twice or is not in the list is refused (RFC 5321, 4.1.1.11). */
function readWords(text: string, known: readonly string[]): Reading<ReadonlyMap<string, string>> {
  const words = new Map<string, string>();
  for (const word of text.split(/[ \t]+/).filter((each) => each !== '')) {
    const equals = word.indexOf('=');
    const name = (equals < 0 ? word : word.slice(0, equals)).toUpperCase();
    if (!known.includes(name)) {
      return { refused: { code: 555, status: '5.5.4', text: `Parameter is not known: ${name.slice(0, 40)}` } };
    }
    if (words.has(name)) return wrong(name, 'stands there twice');
    words.set(name, equals < 0 ? '' : word.slice(equals + 1));
  }
  return { value: words };
}

export function readMailParameters(text: string): Reading<MailParameters> {
  const words = readWords(text, ['SIZE', 'BODY', 'SMTPUTF8', 'RET', 'ENVID', 'REQUIRETLS']);
  if ('refused' in words) return words;
  const get = (name: string): string | undefined => words.value.get(name);
  const size = get('SIZE');
  const body = get('BODY')?.toUpperCase();
  const ret = get('RET')?.toUpperCase();
  const id = get('ENVID');
  const decoded = id === undefined ? undefined : decodeXtext(id);
  if (size !== undefined && !/^\d{1,20}$/.test(size)) return wrong('SIZE', 'is no number');
  if (body !== undefined && body !== '7BIT' && body !== '8BITMIME') return wrong('BODY', 'is 7BIT or 8BITMIME');
  if (ret !== undefined && ret !== 'FULL' && ret !== 'HDRS') return wrong('RET', 'is FULL or HDRS');
  if (id !== undefined && (id.length > 100 || !/^[ -~]+$/.test(decoded ?? ''))) {
    return wrong('ENVID', 'is 1 to 100 characters of xtext');
  }
  for (const name of ['SMTPUTF8', 'REQUIRETLS']) if ((get(name) ?? '') !== '') return wrong(name, 'takes no value');
  return {
    value: {
      ...(size === undefined ? {} : { size: Number(size) }),
      smtpUtf8: words.value.has('SMTPUTF8'),
      envelope: {
        ...(decoded === undefined ? {} : { id: decoded }),
        ...(ret === undefined ? {} : { return: ret === 'FULL' ? 'full' : 'headers' }),
        ...(words.value.has('REQUIRETLS') ? { requireTls: true } : {}),
      },
    },
  };
}

export function readRcptParameters(text: string): Reading<RcptParameters> {
  const words = readWords(text, ['NOTIFY', 'ORCPT']);
  if ('refused' in words) return words;
  const notify = readNotify(words.value.get('NOTIFY'));
  const original = readOriginal(words.value.get('ORCPT'));
  if (isFault(notify)) return notify;
  if (isFault(original)) return original;
  return {
    value: { ...(notify === undefined ? {} : { notify }), ...(original === undefined ? {} : { original }) },
  };
}

function readNotify(text: string | undefined): Notify | undefined | { refused: Answer } {
  if (text === undefined) return undefined;
  const words = text.toLowerCase().split(',');
  if (words.length === 1 && words[0] === 'never') return 'never';
  const chosen = (['success', 'failure', 'delay'] as const).filter((word) => words.includes(word));
  return chosen.length === words.length ? chosen : wrong('NOTIFY', 'is NEVER, or a list of SUCCESS, FAILURE, DELAY');
}

/** `rfc822;text` decoded; of the type `utf-8` the form in ASCII, which any later hop can pass on (RFC 6533, section 3). */
function readOriginal(text: string | undefined): string | undefined | { refused: Answer } {
  if (text === undefined) return undefined;
  const fault = wrong('ORCPT', 'is a type, ";" and up to 500 characters of xtext');
  const [, type = '', rest = ''] = /^([A-Za-z0-9-]{1,40});([^ ]+)$/.exec(text) ?? [];
  if (type === '' || text.length > 500) return fault;
  if (type.toLowerCase() !== 'utf-8') {
    const decoded = decodeXtext(rest);
    return /^[ -~]+$/.test(decoded ?? '') ? `${type};${decoded}` : fault;
  }
  const address = decodeUtf8Address(rest);
  return address === undefined || /[\p{Cc}\p{Cs}]/u.test(address) ? fault : `${type};${encodeUtf8Address(address)}`;
}
