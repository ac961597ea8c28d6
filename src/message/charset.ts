import { contentType, parameterPieces, transferEncoding } from './content.ts';
import { foldField } from './fold.ts';
import { find, type Header, makeField, rawValue, replace } from './header.ts';

/** The names that ASCII goes by where no other one was set, as under cron. */
const ASCII: readonly string[] = ['us-ascii', 'ascii', 'ansi_x3.4-1968', 'ansi_x3.4-1986', 'iso646-us'];
const UNENCODED: readonly string[] = ['7bit', '8bit', 'binary'];
const FOLDED = 78;

/**
 * The header of a message whose body is UTF-8, and more than ASCII. Cron says that its mail is ASCII whatever is in it,
 * and others say nothing: readers then show signs for each octet. Nothing else is said than was before where the text is
 * not plain, has another charset or is signed.
 */
export function declareUtf8(header: Header): Header {
  const field = find(header, 'Content-Type');
  const value = field === undefined ? 'text/plain' : rawValue(field).toString('latin1').replaceAll('\r\n', '').trim();
  const { type, parameters } = contentType(header);
  const charset = parameters.get('charset')?.toLowerCase() ?? 'us-ascii';
  const isText = /^text\/[^\s/;]+\s*(?:;|$)/i.test(value) && type.startsWith('text/');
  const isPlain = UNENCODED.includes(transferEncoding(header)) && find(header, 'DKIM-Signature') === undefined;
  if (!isText || !isPlain || !ASCII.includes(charset)) return header;
  const others = parameterPieces(value)
    .slice(1)
    .map((piece) => piece.trim())
    .filter((piece) => piece !== '' && !/^charset\s*[=*]/i.test(piece));
  const text = [type, 'charset=utf-8', ...others].join('; ');
  const raw = Buffer.from(`Content-Type: ${text}\r\n`, 'latin1');
  const declared = replace(header, foldField({ name: 'Content-Type', raw }, FOLDED));
  return transferEncoding(header) === '7bit'
    ? replace(declared, makeField('Content-Transfer-Encoding', '8bit'))
    : declared;
}
