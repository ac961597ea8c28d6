import type { Reply } from '../mail/reply.ts';

/** What the server said of itself in its reply to EHLO (RFC 5321, section 4.1.1.1). */
export interface Extensions {
  readonly pipelining: boolean;
  readonly chunking: boolean;
  readonly eightBitMime: boolean;
  readonly smtpUtf8: boolean;
  readonly startTls: boolean;
  readonly dsn: boolean;
  readonly requireTls: boolean;
  /** Octets of the largest message; 0 where it names no limit; absent without the extension (RFC 1870). */
  readonly size?: number;
  /** SASL mechanisms in upper case, each once, in the server's order. */
  readonly auth: readonly string[];
  /** RFC 9422; absent where the server names no limit. */
  readonly limits: { readonly recipients?: number; readonly transactions?: number; readonly domains?: number };
}

/** Nothing at all: after HELO. */
export const NO_EXTENSIONS: Extensions = {
  pipelining: false,
  chunking: false,
  eightBitMime: false,
  smtpUtf8: false,
  startTls: false,
  dsn: false,
  requireTls: false,
  auth: [],
  limits: {},
};

/** Reads the reply to EHLO; what is not understood is as if it were not there. */
export function readExtensions(reply: Reply): Extensions {
  const words = new Map<string, string[]>();
  for (const line of reply.lines.slice(1)) {
    // "AUTH=LOGIN" is how servers wrote it before RFC 2554, and some still do for old clients.
    const [keyword = '', ...rest] = line
      .trim()
      .toUpperCase()
      .replace(/^AUTH=/, 'AUTH ')
      .split(/\s+/);
    words.set(keyword, [...(words.get(keyword) ?? []), ...rest]);
  }
  const size = words.get('SIZE')?.[0] ?? (words.has('SIZE') ? '0' : undefined);
  return {
    pipelining: words.has('PIPELINING'),
    chunking: words.has('CHUNKING'),
    eightBitMime: words.has('8BITMIME'),
    smtpUtf8: words.has('SMTPUTF8'),
    startTls: words.has('STARTTLS'),
    dsn: words.has('DSN'),
    requireTls: words.has('REQUIRETLS'),
    ...(size !== undefined && /^\d{1,15}$/.test(size) ? { size: Number(size) } : {}),
    auth: [...new Set(words.get('AUTH') ?? [])],
    limits: readLimits(words.get('LIMITS') ?? []),
  };
}

function readLimits(words: readonly string[]): Extensions['limits'] {
  const limit = (name: string): number | undefined => {
    const word = words.find((each) => each.startsWith(`${name}=`))?.slice(name.length + 1);
    // Six digits are the most that RFC 9422, section 3 allows, and zero is not a limit.
    return word !== undefined && /^[1-9]\d{0,5}$/.test(word) ? Number(word) : undefined;
  };
  const recipients = limit('RCPTMAX');
  const transactions = limit('MAILMAX');
  const domains = limit('RCPTDOMAINMAX');
  return {
    ...(recipients === undefined ? {} : { recipients }),
    ...(transactions === undefined ? {} : { transactions }),
    ...(domains === undefined ? {} : { domains }),
  };
}
