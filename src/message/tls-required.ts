// More than blanks and folding around two letters ever need.
const FIELD = /(?:^|\r\n)TLS-Required[ \t]{0,100}:(.{0,1000})/is;

/**
 * Whether the message itself says that it rather be read on its way than not arrive: `TLS-Required: No` (RFC 8689,
 * section 5). The header is CRLF throughout.
 */
export function waivesTls(header: Buffer): boolean {
  const [, rest = ''] = FIELD.exec(header.toString('latin1')) ?? [];
  const [value = ''] = rest.replace(/\r\n(?=[ \t])/g, '').split('\r\n');
  return value.trim().toLowerCase() === 'no';
}
