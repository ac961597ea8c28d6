import { hostname } from 'node:os';
import type { User } from './root.ts';

/**
 * Programs that call sendmail, each told to send a message that would suffer from a careless one: a dot on a line of its
 * own, two dots, 8-bit text where the program takes it.
 */
export interface Program {
  readonly name: string;
  readonly user: User;
  /** For /bin/sh. */
  readonly script: string;
  readonly stdin?: string;
  /** Of the program itself, on both outputs; nothing where it is left out. */
  readonly says?: RegExp;
  readonly sender: string;
  readonly recipients: readonly string[];
  /** Its value as it arrives, by which the message is known. */
  readonly subject: string | RegExp;
  /** The values of other fields; null is a field that must not be there. */
  readonly header?: Readonly<Record<string, string | RegExp | null>>;
  /** Line ends as LF. */
  readonly body: string | RegExp;
}

const TEXT = 'Grüße\n.\n..two\nFrom here\nlast\n';
export const HOST = 'host.example.net';
const BOB = 'bob@example.org';
/** Root's alias. */
export const ADMIN = 'admin@example.org';
const MESSAGE_ID = /^<\S+@\S+>$/;

/** The words of a shell. */
const quoted = (text: string): string => `'${text.replaceAll("'", "'\\''")}'`;

/** Writes a file of the home folder. */
const file = (name: string, text: string, mode = '600'): string =>
  `printf %s ${quoted(text)} >${name} && chmod ${mode} ${name}`;

const SYMFONY = `<?php
require '/usr/share/php/Symfony/Component/Mailer/autoload.php';
$email = (new Symfony\\Component\\Mime\\Email())->from('ann@example.com')->to('${BOB}')->bcc('carol@example.org');
$email->subject($argv[2])->text(${JSON.stringify('l1\n.\n..two\nlast\n')});
(new Symfony\\Component\\Mailer\\Mailer(Symfony\\Component\\Mailer\\Transport::fromDsn($argv[1])))->send($email);
`;

const NODEMAILER = `const mail = require('/usr/lib/node_modules/nodemailer').createTransport({ sendmail: true });
mail.sendMail({ from: 'ann@example.com', to: '${BOB}', bcc: 'carol@example.org', subject: 'nodemailer', text: 'l1\\n.\\n..two\\nlast\\n' })
  .catch((error) => { console.error(error); process.exitCode = 1; });
`;

const DOVECOT = `base_dir = /home/ann/dovecot
log_path = /home/ann/dovecot/log
mail_location = maildir:/home/ann/dovecot/mail
mail_home = /home/ann/dovecot
postmaster_address = postmaster@example.com
hostname = ${HOST}
ssl = no
protocol lda {
  mail_plugins = sieve
}
plugin {
  sieve = /home/ann/dovecot/ann.sieve
}
`;

const dovecot = (name: string, sieve: string): string =>
  [
    `rm -rf dovecot && mkdir -p dovecot/mail`,
    file('dovecot/conf', DOVECOT),
    file('dovecot/ann.sieve', sieve),
    `printf %s ${quoted(`From: carol@example.com\nTo: ann@example.com\nSubject: ${name}\n\n${TEXT}`)} |
      /usr/lib/dovecot/dovecot-lda -c dovecot/conf -f carol@example.com -a ann@example.com`,
  ].join(' && ');

export const PROGRAMS: readonly Program[] = [
  {
    name: 'anacron',
    user: 'root',
    script: `rm -rf anacron && mkdir anacron && printf '1 0 nightly echo Grüße\n' >anacron/tab && anacron -f -d -n -s -t anacron/tab -S /root/anacron`,
    says: /Job `nightly' terminated \(mailing output\)/,
    sender: `root@${HOST}`,
    recipients: [ADMIN],
    subject: `Anacron job 'nightly' on ${hostname()}`,
    header: { From: `Anacron <root@${HOST}>`, To: `root@${HOST}`, 'Message-ID': MESSAGE_ID },
    body: 'Grüße\n',
  },
  {
    name: 'git send-email',
    user: 'ann',
    script: `rm -rf repository && git init -q repository && cd repository && git config user.email ann@example.com &&
      git config user.name 'Ann Ärcher' && printf '.\n..two\n' >file && git add file && git commit -qm 'git send-email' &&
      git send-email --quiet --confirm=never --from='Ann Ärcher <ann@example.com>' --suppress-cc=all --to=${BOB} \
        --bcc=carol@example.org --8bit-encoding=UTF-8 --root -1`,
    says: /^Sent \[PATCH\] git send-email\n$/,
    sender: `ann@${HOST}`,
    recipients: [BOB, 'carol@example.org'],
    subject: '[PATCH] git send-email',
    header: { From: '=?UTF-8?q?Ann=20=C3=84rcher?= <ann@example.com>', To: BOB, Bcc: null },
    body: /^\+\.\n\+\.\.two\n-- \n/m,
  },
  {
    name: 'git format-patch | sendmail -t',
    user: 'ann',
    script: `rm -rf patches && git init -q patches && cd patches && git config user.email ann@example.com &&
      git config user.name Ann && printf '.\n..two\n' >file && git add file && git commit -qm 'git format-patch' &&
      git format-patch --stdout --root --to=${BOB} -1 | /usr/sbin/sendmail -t -f ann@example.com`,
    sender: 'ann@example.com',
    recipients: [BOB],
    subject: '[PATCH] git format-patch',
    header: { From: 'Ann <ann@example.com>', To: BOB },
    body: /^\+\.\n\+\.\.two\n-- \n/m,
  },
  {
    name: 'PHP mail()',
    user: 'ann',
    script: `php -r ${quoted(`exit(mail('${BOB}', 'PHP', "Gr\\u{fc}\\u{df}e\\n.\\n..two\\nlast\\n", "From: ann@example.com\\r\\nBcc: carol@example.org", '-f bounces@example.com') ? 0 : 1);`)}`,
    sender: 'bounces@example.com',
    recipients: [BOB, 'carol@example.org'],
    subject: 'PHP',
    header: { From: 'ann@example.com', To: BOB, Bcc: null, 'Message-ID': MESSAGE_ID },
    body: 'Grüße\n.\n..two\nlast\n\n',
  },
  {
    name: 'Symfony with a command',
    user: 'ann',
    script: `${file('mail.php', SYMFONY)} && php -d extension=mbstring mail.php 'sendmail://default?command=/usr/sbin/sendmail%20-oi%20-t' 'Symfony -t'`,
    sender: 'ann@example.com',
    recipients: [BOB, 'carol@example.org'],
    subject: 'Symfony -t',
    header: { From: 'ann@example.com', To: BOB, Bcc: null },
    body: 'l1\n.\n..two\nlast\n',
  },
  {
    name: 'Symfony by -bs',
    user: 'ann',
    script: `${file('mail.php', SYMFONY)} && php -d extension=mbstring mail.php sendmail://default 'Symfony -bs'`,
    sender: 'ann@example.com',
    recipients: [BOB, 'carol@example.org'],
    subject: 'Symfony -bs',
    header: { From: 'ann@example.com', To: BOB, Bcc: null },
    // Its own way: a line end before the dot, whatever the last line has.
    body: 'l1\n.\n..two\nlast\n\n',
  },
  {
    name: 'bsd-mailx',
    user: 'ann',
    script: `bsd-mailx -s bsd-mailx -b carol@example.org ${BOB}`,
    stdin: 'l1\n.\n..two\nlast\n',
    sender: `ann@${HOST}`,
    recipients: [BOB, 'carol@example.org'],
    subject: 'bsd-mailx',
    header: { From: `Ann Archer <ann@${HOST}>`, To: BOB, Bcc: null, Date: /^\w{3}, / },
    body: 'l1\n.\n..two\nlast\n',
  },
  {
    name: 's-nail',
    user: 'ann',
    script: `s-nail -S ttycharset=utf-8 -S 'mime-encoding=8bit' -s 'Grüße s-nail' -r 'Ann <bounces@example.com>' ${BOB}`,
    stdin: TEXT,
    sender: 'bounces@example.com',
    recipients: [BOB],
    subject: '=?utf-8?B?R3LDvMOfZQ==?= s-nail',
    header: { To: BOB, 'Message-ID': MESSAGE_ID },
    body: TEXT,
  },
  {
    name: 'mailutils',
    user: 'ann',
    script: `mail.mailutils -s mailutils ${BOB}`,
    stdin: 'Grüße\n..two\nlast\n',
    // It says what the host is called.
    sender: `ann@${hostname()}`,
    recipients: [BOB],
    subject: 'mailutils',
    header: { To: /bob@example\.org/, 'Message-ID': MESSAGE_ID },
    body: 'Grüße\n..two\nlast\n',
  },
  {
    name: 'mutt',
    user: 'ann',
    script: `mutt -e 'set use_8bitmime=yes send_charset=utf-8 dsn_notify=failure,delay dsn_return=hdrs charset=utf-8 from=ann@example.com use_envelope_from=yes sendmail_wait=0' -s mutt -b carol@example.org -- ${BOB}`,
    stdin: TEXT,
    says: /^(GPGME: .*\n)*$/,
    sender: 'ann@example.com',
    recipients: [BOB, 'carol@example.org'],
    subject: 'mutt',
    header: { From: /<ann@example\.com>$/, To: BOB, Bcc: null },
    body: TEXT,
  },
  {
    name: 'nmh',
    user: 'ann',
    script: `mkdir -p Mail && ${file('.mh_profile', 'Path: Mail\n')} && ${file('draft', `From: ann@example.com\nTo: ${BOB}\nSubject: nmh\n\nl1\n.\n..two\nlast\n`)} && /usr/bin/mh/send -mts sendmail/pipe /home/ann/draft`,
    sender: `ann@${HOST}`,
    recipients: [BOB],
    subject: 'nmh',
    header: { From: 'ann@example.com', To: BOB },
    body: 'l1\n.\n..two\nlast\n',
  },
  {
    name: 'nmh by -bs',
    user: 'ann',
    script: `mkdir -p Mail && ${file('.mh_profile', 'Path: Mail\n')} && ${file('draft', `From: ann@example.com\nTo: ${BOB}\nSubject: nmh -bs\n\nl1\n.\n..two\nlast\n`)} && /usr/bin/mh/send -mts sendmail/smtp /home/ann/draft`,
    sender: 'ann@example.com',
    recipients: [BOB],
    subject: 'nmh -bs',
    header: { From: 'ann@example.com', To: BOB },
    body: 'l1\n.\n..two\nlast\n',
  },
  {
    name: 'MIME::Lite',
    user: 'ann',
    script: `perl -MMIME::Lite -e ${quoted(`MIME::Lite->new(From => 'ann@example.com', To => '${BOB}', Bcc => 'carol@example.org', Subject => 'MIME::Lite', Type => 'text/plain; charset=utf-8', Encoding => '8bit', Data => "Gr\\xc3\\xbc\\xc3\\x9fe\\n.\\n..two\\nlast\\n")->send or die`)}`,
    sender: 'ann@example.com',
    recipients: [BOB, 'carol@example.org'],
    subject: 'MIME::Lite',
    header: { From: 'ann@example.com', To: BOB, Bcc: null },
    body: 'Grüße\n.\n..two\nlast\n',
  },
  {
    name: 'Email::Sender',
    user: 'ann',
    script: `perl -MEmail::Sender::Simple=sendmail -MEmail::Simple -e ${quoted(`sendmail(Email::Simple->new("From: ann\\@example.com\\nTo: bob\\@example.org\\nSubject: Email::Sender\\n\\nl1\\n.\\n..two\\nlast\\n"), { from => 'bounces@example.com', to => ['bob@example.org', 'carol@example.org'] })`)}`,
    sender: 'bounces@example.com',
    recipients: [BOB, 'carol@example.org'],
    subject: 'Email::Sender',
    header: { From: 'ann@example.com', To: BOB },
    body: 'l1\n.\n..two\nlast\n',
  },
  {
    name: 'Mail::Send, which asks for the rule of the dot',
    user: 'ann',
    script: `perl -MMail::Send -e ${quoted(`my $m = Mail::Send->new(Subject => 'Mail::Send', To => '${BOB}'); my $f = $m->open('sendmail'); print $f "l1\\n.\\nlast\\n"; $f->close or die`)}`,
    sender: `ann@${HOST}`,
    recipients: [BOB],
    subject: 'Mail::Send',
    header: { From: `Ann Archer <ann@${HOST}>`, To: BOB },
    body: 'l1\n.\nlast\n',
  },
  {
    name: 'Ruby mail',
    user: 'ann',
    script: `ruby -rmail -e ${quoted(`Mail.new { from 'ann@example.com'; to '${BOB}'; bcc 'carol@example.org'; subject 'Ruby'; body "l1\\n.\\n..two\\nlast"; delivery_method :sendmail }.deliver!`)}`,
    sender: 'ann@example.com',
    recipients: [BOB, 'carol@example.org'],
    subject: 'Ruby',
    header: { From: 'ann@example.com', To: BOB, Bcc: null },
    body: 'l1\n.\n..two\nlast\n',
  },
  {
    name: 'nodemailer',
    user: 'ann',
    script: `node -e ${quoted(NODEMAILER)}`,
    sender: 'ann@example.com',
    recipients: [BOB, 'carol@example.org'],
    subject: 'nodemailer',
    header: { From: 'ann@example.com', To: BOB, Bcc: null },
    body: 'l1\n.\n..two\nlast\n',
  },
  {
    name: 'procmail, which forwards',
    user: 'ann',
    script: `${file('procmailrc', `:0\n! ${BOB} carol@example.org\n`)} && procmail -m /home/ann/procmailrc`,
    stdin: `From: carol@example.com\nSubject: procmail\n\n${TEXT}`,
    sender: `ann@${HOST}`,
    recipients: [BOB, 'carol@example.org'],
    subject: 'procmail',
    header: { From: 'carol@example.com', To: 'undisclosed-recipients:;' },
    // Its own way: an empty line behind the message.
    body: `${TEXT}\n`,
  },
  {
    name: 'maildrop, with an empty sender',
    user: 'ann',
    script: `${file('mailfilter', `to "!${BOB}"\n`)} && maildrop mailfilter`,
    stdin: `From: carol@example.com\nSubject: maildrop\n\n${TEXT}`,
    sender: '',
    recipients: [BOB],
    subject: 'maildrop',
    header: { From: 'carol@example.com', 'Return-Path': null },
    body: TEXT,
  },
  {
    name: 'dovecot-lda, redirect',
    user: 'ann',
    script: dovecot('dovecot redirect', `redirect "${BOB}";\n`),
    sender: 'carol@example.com',
    recipients: [BOB],
    subject: 'dovecot redirect',
    header: { From: 'carol@example.com', To: 'ann@example.com' },
    body: TEXT,
  },
  {
    name: 'dovecot-lda, reject',
    user: 'ann',
    script: dovecot('dovecot reject', 'require "reject";\nreject "No, thanks";\n'),
    sender: '',
    recipients: ['carol@example.com'],
    subject: 'Rejected: dovecot reject',
    header: { From: /<postmaster@example\.com>$/, To: '<carol@example.com>' },
    body: /No, thanks/,
  },
  {
    name: 'vacation',
    user: 'ann',
    script: `${file('.vacation.msg', 'Subject: vacation\n\naway\n')} && vacation -I && vacation -a ann@example.com ann`,
    stdin:
      'From carol@example.com Mon Nov 23 00:00:00 2026\nFrom: carol@example.com\nTo: ann@example.com\nSubject: x\n\nhi\n',
    sender: `ann@${HOST}`,
    recipients: ['carol@example.com'],
    subject: 'vacation',
    header: { From: `ann@${HOST}`, To: 'carol@example.com' },
    body: 'away\n',
  },
  {
    name: 'mdadm --monitor',
    user: 'root',
    script: `${file('mdadm.conf', `MAILADDR ${BOB}\n`)} && mdadm --monitor --oneshot --test -c mdadm.conf /dev/md0`,
    says: /^mdadm: Monitor using email address/,
    sender: `root@${HOST}`,
    recipients: [BOB],
    subject: `TestMessage event on /dev/md0:${hostname()}`,
    header: { From: /^mdadm monitoring <root@\S+>$/, To: BOB },
    body: /A TestMessage event had been detected on md device \/dev\/md0\./,
  },
  {
    name: 'sudo, which tells root',
    user: 'ann',
    script: '! sudo -n /bin/false',
    says: /^Sorry, user ann is not allowed/,
    sender: `ann@${HOST}`,
    recipients: [ADMIN],
    subject: /^\*\*\* SECURITY information for /,
    header: { From: `ann@${HOST}`, To: `root@${HOST}`, 'Auto-Submitted': 'auto-generated' },
    body: /command not allowed ; .*COMMAND=\/bin\/false/,
  },
  {
    name: 'logwatch',
    user: 'root',
    script: `logwatch --output mail --mailto ${BOB} --service dpkg --range all`,
    sender: `root@${HOST}`,
    recipients: [BOB],
    subject: `Logwatch for ${hostname()} (Linux)`,
    header: { From: `root@${HOST}`, To: BOB },
    body: /Installed:\n {4}nodejs:all[\s\S]*Logwatch End/,
  },
  {
    name: "fail2ban's action",
    user: 'root',
    script: `printf %b "Subject: [Fail2Ban] ssh: banned 192.0.2.1
Date: \`LC_ALL=C date +"%a, %d %h %Y %T %z"\`
From: Fail2Ban <fail2ban@example.com>
To: ${BOB}\\n
Hi,\\n
The IP 192.0.2.1 has just been banned.\\n
Fail2Ban" | /usr/sbin/sendmail -f "fail2ban@example.com" "${BOB}"`,
    sender: 'fail2ban@example.com',
    recipients: [BOB],
    subject: '[Fail2Ban] ssh: banned 192.0.2.1',
    header: { From: 'Fail2Ban <fail2ban@example.com>', To: BOB },
    body: 'Hi,\n\nThe IP 192.0.2.1 has just been banned.\n\nFail2Ban\n',
  },
];
