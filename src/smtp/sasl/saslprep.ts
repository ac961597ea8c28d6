/** The blanks of RFC 3454, table C.1.2: each becomes a space. */
const BLANKS = /[\u00a0\u1680\u2000-\u200b\u202f\u205f\u3000]/gu;
/** RFC 3454, table B.1: nothing is left of these. */
const NOTHING = /\u00ad|\u034f|\u1806|[\u180b-\u180d]|[\u200c\u200d]|\u2060|[\ufe00-\ufe0f]|\ufeff/gu;
/** Controls, formats, private use, surrogates and non-characters (RFC 4013, section 2.3). */
const PROHIBITED = /[\p{Cc}\p{Cf}\p{Co}\p{Cs}\p{Zl}\p{Zp}\p{Noncharacter_Code_Point}\ufffc\ufffd]/u;

/**
 * Prepares a user name or password for SCRAM (SASLprep, RFC 4013); undefined where it has a prohibited character. The
 * rule for right-to-left text is left to the server: to break it is to be refused there.
 */
export function saslPrep(text: string): string | undefined {
  const prepared = text.replace(BLANKS, ' ').replace(NOTHING, '').normalize('NFKC');
  return PROHIBITED.test(prepared) ? undefined : prepared;
}
