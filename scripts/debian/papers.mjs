/** The texts of the Debian package that are made of the project's own: what dpkg reads, and what policy asks for. */

const WIDTH = 76;

/** The lines of a text, filled up to the width that Debian's tools print. */
function filled(text) {
  const lines = [''];
  for (const word of text.split(/\s+/)) {
    const longer = `${lines.at(-1)} ${word}`.trimStart();
    if (longer.length <= WIDTH || lines.at(-1) === '') lines[lines.length - 1] = longer;
    else lines.push(word);
  }
  return lines;
}

/** deb-control(5). The virtual package is what keeps two sendmails apart (policy 11.6). */
export function control({ version, maintainer, installedSize }) {
  return [
    'Package: posthaste',
    `Version: ${version}`,
    'Section: mail',
    'Priority: optional',
    'Architecture: all',
    `Maintainer: ${maintainer}`,
    `Installed-Size: ${installedSize}`,
    // What dist/start.cjs asks for. A package that installs and then refuses every message would be worse than none.
    'Depends: nodejs (>= 20.19~)',
    'Recommends: ca-certificates',
    'Suggests: default-mailx | mailx, logrotate',
    'Provides: mail-transport-agent',
    'Conflicts: mail-transport-agent',
    'Replaces: mail-transport-agent',
    'Description: sendmail for a system that has no mail server',
    ' posthaste takes the place of /usr/sbin/sendmail for cron, scripts and programs',
    ' that send mail. It delivers to the mail servers of each recipient or through',
    ' a relay, and its result tells what became of every single recipient.',
    ' .',
    ' What cannot be delivered now waits in a queue on disk and is tried again;',
    ' what cannot be delivered at all comes back to the sender. There is no daemon',
    ' that listens, and nothing that must be configured.',
    '',
  ].join('\n');
}

const IN_CHANGES = /^## (\S+) \((unreleased|\d{4}-\d\d-\d\d)\)$/;

/** deb-changelog(5), from CHANGELOG.md; a version that is not out yet has the date of the build. */
export function changelog(changes, { revision, maintainer, date }) {
  const versions = changes.split(/^(?=## )/m).slice(1);
  const texts = versions.map((section) => {
    const [heading, ...lines] = section.trim().split('\n');
    const [, version, day] = IN_CHANGES.exec(heading) ?? [];
    if (version === undefined) throw new Error(`Cannot read CHANGELOG.md: no version and date in "${heading}"`);
    const [, ...points] = `\n${lines.join('\n')}`.split(/^- /m);
    const items = (points.length > 0 ? points : [`Version ${version}.`]).flatMap((point) =>
      filled(point.replaceAll('`', '').trim()).map((line, index) => (index === 0 ? `  * ${line}` : `    ${line}`)),
    );
    const when = day === 'unreleased' ? date : new Date(day);
    const trailer = ` -- ${maintainer}  ${when.toUTCString().replace('GMT', '+0000')}`;
    return [`posthaste (${version}-${revision}) unstable; urgency=medium`, '', ...items, '', trailer, ''].join('\n');
  });
  return texts.join('\n');
}

/** The licence, and those of the libraries that are inside. */
export const copyright = (licence, thirdParty) =>
  [
    'posthaste was packaged for Debian by its own authors, from its own sources.\n',
    `${licence.trim()}\n`,
    `${'='.repeat(80)}\n`,
    thirdParty.replaceAll('\r', ''),
  ].join('\n');
