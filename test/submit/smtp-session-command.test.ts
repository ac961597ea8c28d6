import { describe, expect, it } from 'vitest';
import { formatAddress, formatPath } from '../../src/mail/address.ts';
import { readCommand } from '../../src/submit/smtp-command.ts';

/** The address of MAIL or RCPT, and its parameters as JSON. */
function shown(text: string): string {
  const command = readCommand(Buffer.from(text), 'example.net');
  if ('refused' in command) return `${command.refused.code} ${command.refused.status} ${command.refused.text}`;
  if (command.verb === 'MAIL') return `${formatPath(command.sender)} ${JSON.stringify(command.parameters)}`;
  if (command.verb !== 'RCPT') return command.verb;
  return `${formatAddress(command.address)}${command.unqualified ? ' unqualified' : ''} ${JSON.stringify(command.parameters)}`;
}

const NONE = '{"smtpUtf8":false,"envelope":{}}';
const good = (text: string, want: string): void => expect(shown(text)).toBe(want);
const bad = (text: string, why: string): void => expect(shown(text)).toContain(why);

describe('readCommand()', () => {
  it('reads senders', () => {
    good('MAIL FROM:<a@example.org>', `<a@example.org> ${NONE}`);
    good('mail from: <a@EXAMPLE.org> ', `<a@example.org> ${NONE}`);
    good('MAIL FROM:a@example.org', `<a@example.org> ${NONE}`);
    good('MAIL FROM:<>', `<> ${NONE}`);
    good('MAIL FROM:<root>', `<root@example.net> ${NONE}`);
    good('MAIL FROM:<"a b>"@example.org>', `<"a b>"@example.org> ${NONE}`);
    good('MAIL FROM:<@x.example,@y.example:a@example.org>', `<a@example.org> ${NONE}`);
    good('MAIL FROM:<a@[192.0.2.1]>', `<a@[192.0.2.1]> ${NONE}`);
  });

  it('reads the parameters of MAIL', () => {
    good(
      'MAIL FROM:<é@example.org> SIZE=12 BODY=8bitmime SMTPUTF8 RET=HDRS ENVID=a+2Bb REQUIRETLS',
      '<é@example.org> {"size":12,"smtpUtf8":true,"envelope":{"id":"a+b","return":"headers","requireTls":true}}',
    );
    good('MAIL FROM:<> ret=full', '<> {"smtpUtf8":false,"envelope":{"return":"full"}}');
  });

  it('reads recipients and their parameters', () => {
    good('RCPT TO:<bob@example.org>', 'bob@example.org {}');
    good('RCPT TO:<bob>', 'bob@example.net unqualified {}');
    good('RCPT TO:<Postmaster>', 'Postmaster@example.net unqualified {}');
    good(
      'RCPT TO:<b@example.org> NOTIFY=SUCCESS,FAILURE ORCPT=rfc822;b+2Bc@example.org',
      'b@example.org {"notify":["success","failure"],"original":"rfc822;b+c@example.org"}',
    );
    good('RCPT TO:<b@example.org> notify=never', 'b@example.org {"notify":"never"}');
    good(
      'RCPT TO:<b@example.org> ORCPT=utf-8;\\x{E9}@example.org',
      'b@example.org {"original":"utf-8;\\\\x{E9}@example.org"}',
    );
    good(
      'RCPT TO:<b@example.org> ORCPT=utf-8;é@example.org',
      'b@example.org {"original":"utf-8;\\\\x{E9}@example.org"}',
    );
  });

  it('refuses what is no path', () => {
    bad('MAIL', '501 5.5.4 Syntax is MAIL FROM:<address>');
    bad('MAIL TO:<a@example.org>', '501 5.5.4 Syntax is');
    bad('MAIL FROM <a@example.org>', '501 5.5.4 Syntax is');
    bad('MAIL FROM:', '501 5.5.4 Syntax is');
    bad('MAIL FROM:<a@example.org', '501 5.5.4 Syntax is');
    bad('MAIL FROM:<a@example.org>SIZE=1', '501 5.5.4 Syntax is');
    bad('RCPT TO:<>', '501 5.1.3 Recipient is no address');
    bad('RCPT TO:<a@example.org, b@example.org>', '501 5.1.3 Recipient is no address');
    bad('RCPT TO:<a@example..org>', '501 5.1.3 Recipient is no address: domain has an empty label');
    bad('RCPT TO:<a b@example.org>', '501 5.1.3 Recipient is no address');
    bad('MAIL FROM:<a@>', '501 5.1.7 Sender is no address: domain is missing');
    bad('MAIL FROM:<é@example.org>', '553 5.6.7 Address needs SMTPUTF8');
    good('MAIL FROM:<a@é.example>', `<a@xn--9ca.example> ${NONE}`);
  });

  it('refuses wrong parameters', () => {
    bad('MAIL FROM:<> FOO=1', '555 5.5.4 Parameter is not known: FOO');
    bad('MAIL FROM:<> AUTH=<>', '555 5.5.4 Parameter is not known: AUTH');
    bad('MAIL FROM:<> NOTIFY=NEVER', '555 5.5.4 Parameter is not known: NOTIFY');
    bad('RCPT TO:<a@example.org> SIZE=1', '555 5.5.4 Parameter is not known: SIZE');
    bad('MAIL FROM:<> SIZE=1 size=2', '501 5.5.4 SIZE stands there twice');
    bad('MAIL FROM:<> SIZE=x', '501 5.5.4 SIZE is no number');
    bad('MAIL FROM:<> SIZE', '501 5.5.4 SIZE is no number');
    bad('MAIL FROM:<> BODY=BINARYMIME', '501 5.5.4 BODY is 7BIT or 8BITMIME');
    bad('MAIL FROM:<> SMTPUTF8=1', '501 5.5.4 SMTPUTF8 takes no value');
    bad('MAIL FROM:<> RET=X', '501 5.5.4 RET is FULL or HDRS');
    for (const id of ['', 'a+', 'a+0D+0A', 'a+00', 'a'.repeat(101), '+E9'])
      bad(`MAIL FROM:<> ENVID=${id}`, '501 5.5.4 ENVID is');
    for (const list of ['', 'NEVER,DELAY', 'DELAY,DELAY', 'X'])
      bad(`RCPT TO:<a> NOTIFY=${list}`, '501 5.5.4 NOTIFY is');
    for (const text of ['', 'rfc822', 'rfc822;', ';a', 'rfc822;a+0A', 'rfc822;a=b', 'utf-8;a+0A', 'utf-8;\\x{A}']) {
      bad(`RCPT TO:<a> ORCPT=${text}`, '501 5.5.4 ORCPT is');
    }
    bad(`RCPT TO:<a> ORCPT=rfc822;${'a'.repeat(500)}`, '501 5.5.4 ORCPT is');
  });

  it('refuses controls and what is no UTF-8', () => {
    bad('NOOP \0', '500 5.5.2 Line holds a control character');
    bad('MAIL FROM:<a\r@example.org>', '500 5.5.2 Line holds a control character');
    const latin1 = readCommand(Buffer.from('RCPT TO:<\xe9@example.org>', 'latin1'), 'example.net');
    expect(latin1).toMatchObject({ refused: { code: 500 } });
  });
});
