import { describe, expect, test } from 'vitest';
import { formatAddress } from '../../src/mail/address.ts';
import type { Header } from '../../src/message/header.ts';
import { dedupe, recipientsOf } from '../../src/message/recipients.ts';

const OPTIONS = { domain: 'our.test' };

/** Each line is a field; `\n` in one folds it. */
const header = (...fields: readonly (string | Buffer)[]): Header =>
  fields.map((field) => {
    const line = typeof field === 'string' ? Buffer.from(field.replaceAll('\n', '\r\n'), 'utf8') : field;
    return {
      name: line.toString('latin1').split(':')[0]?.trim() ?? '',
      raw: Buffer.concat([line, Buffer.from('\r\n')]),
    };
  });
const read = (...fields: readonly (string | Buffer)[]) => {
  const { mailboxes, refused } = recipientsOf(header(...fields), OPTIONS);
  return { sent: mailboxes.map(({ address }) => formatAddress(address)), refused: refused.map(({ text }) => text) };
};

describe('recipientsOf()', () => {
  const good = (what: string, fields: readonly (string | Buffer)[], ...sent: readonly string[]) =>
    test(what, () => expect(read(...fields)).toEqual({ sent, refused: [] }));

  good('gives none when there is no recipient field', ['From: a@x', 'Subject: to: b@x', 'Reply-To: c@x']);
  good('gives To, Cc and Bcc in the order of the header', ['Bcc: c@x', 'To: a@x', 'cc : b@x'], 'c@x', 'a@x', 'b@x');
  good(
    'gives all when a field is there twice',
    ['To: a@x', 'To: b@x', 'Bcc: c@x', 'BCC: d@x'],
    'a@x',
    'b@x',
    'c@x',
    'd@x',
  );
  good('gives all when a field is folded', ['To: Ann\n <a@x>\n ,b@x,\n\t"c\n d"@x'], 'a@x', 'b@x', '"c d"@x');
  good('gives none when fields are empty', ['To:', 'Cc: ', 'Bcc:\n ']);
  good('gives none when a group is empty', ['To: undisclosed-recipients:;']);
  good('qualifies when an address has no domain', ['To: root, a@x'], 'root@our.test', 'a@x');
  good(
    'gives addresses in UTF-8',
    ['To: J\u00f8ran <j\u00f8ran@b\u00fccher.example>'],
    'j\u00f8ran@xn--bcher-kva.example',
  );
  good(
    'gives the address when only its name is not UTF-8',
    [Buffer.from('To: "J\u00f8ran, \u00d8" <a@x>, b@x (\u00e9)', 'latin1')],
    'a@x',
    'b@x',
  );

  const resent = ['To: a@x', 'Cc: b@x', 'Bcc: c@x'];
  good('gives only resent ones when there is one', [...resent, 'Resent-Cc: d@x'], 'd@x');
  good('gives only resent ones when they are empty', [...resent, 'Resent-Bcc:']);
  good(
    'gives those of all blocks when it was resent twice',
    ['Resent-To: e@x', 'Resent-From: z@x', 'Resent-To: d@x', 'resent-bcc: f@x', ...resent],
    'e@x',
    'd@x',
    'f@x',
  );
  good('gives To when only other Resent- fields are there', ['Resent-From: z@x', 'Resent-Date: now', 'To: a@x'], 'a@x');

  test('refuses an address that is not UTF-8 and goes on', () => {
    expect(read(Buffer.from('To: b@x, j\u00f8ran@x, a@b\u00fccher.example', 'latin1'), 'Cc: c@x')).toEqual({
      sent: ['b@x', 'c@x'],
      refused: ['j\ufffdran@x', 'a@b\ufffdcher.example'],
    });
  });

  test('refuses what can not be read and goes on with the other fields', () => {
    expect(read('To: "Ann <a@x>', 'Cc: b@x, <>, c@1.1', 'Bcc: d@x')).toEqual({
      sent: ['b@x', 'd@x'],
      refused: ['"Ann <a@x>', '<>', 'c@1.1'],
    });
  });

  test('refuses controls that are not of folding', () => {
    expect(read('To: a\0@x, b@x', Buffer.from('Cc: c@x\rDATA, d@x'))).toEqual({
      sent: ['b@x', 'd@x'],
      refused: ['a\\x00@x', 'c@x\\x0dDATA'],
    });
  });

  test('reads 100,000 recipients in one field', { timeout: 2000 }, () => {
    expect(read(`To: ${'Ann <a@x>,\n '.repeat(1e5)}`).sent).toHaveLength(1e5);
  });
});

test('dedupe() keeps the first when addresses differ in the case of the domain only', () => {
  const recipient = (local: string, domain: string, name: string) => ({ address: { local, domain }, name });
  const [a, b, c, d] = [
    recipient('a', 'x', '1'),
    recipient('a', 'X', '2'),
    recipient('A', 'x', '3'),
    recipient('a', 'x', '4'),
  ];
  expect(dedupe([a, b, c, d])).toEqual([a, c]);
});
