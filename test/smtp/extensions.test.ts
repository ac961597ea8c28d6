import { expect, test } from 'vitest';
import { NO_EXTENSIONS, readExtensions } from '../../src/smtp/extensions.ts';

const read = (...lines: string[]) => readExtensions({ code: 250, lines: ['mx.test', ...lines] });

const good = (lines: string[], want: object) =>
  test(`readExtensions() reads ${lines.join(', ')}`, () =>
    expect(read(...lines)).toEqual({ ...NO_EXTENSIONS, ...want }));

good(['PIPELINING', 'chunking', '8bitmime', 'SMTPUTF8', 'DSN', 'REQUIRETLS', 'STARTTLS'], {
  pipelining: true,
  chunking: true,
  eightBitMime: true,
  smtpUtf8: true,
  dsn: true,
  requireTls: true,
  startTls: true,
});
good(['SIZE 20000000'], { size: 20000000 });
good(['SIZE'], { size: 0 });
good(['SIZE 0'], { size: 0 });
good(['SIZE many'], {});
good(['SIZE 99999999999999999999'], {});
good(['AUTH PLAIN LOGIN', 'AUTH=PLAIN LOGIN CRAM-MD5'], { auth: ['PLAIN', 'LOGIN', 'CRAM-MD5'] });
good(['AUTH=LOGIN'], { auth: ['LOGIN'] });
good(['LIMITS RCPTMAX=20 MAILMAX=5 RCPTDOMAINMAX=1 X=2'], { limits: { recipients: 20, transactions: 5, domains: 1 } });
good(['LIMITS RCPTMAX=0 MAILMAX=1234567'], {});
good(['PIPELINING  ', '  X-WHAT 1 2', ''], { pipelining: true });
