const DAYS = ['Sun', 'Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat'];
const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];

const two = (n: number): string => String(n).padStart(2, '0');

/**
 * The date-time of RFC 5322, section 3.3, such as `Sun, 22 Nov 2026 21:11:31 +0100`.
 * `now` is milliseconds since 1970, `zone` whole minutes east of UTC (what `-date.getTimezoneOffset()` says).
 */
export function formatDate(now: number, zone: number): string {
  const there = new Date(now + zone * 60_000);
  const ahead = Math.abs(zone);
  const day = `${DAYS[there.getUTCDay()]}, ${there.getUTCDate()} ${MONTHS[there.getUTCMonth()]} ${there.getUTCFullYear()}`;
  const time = `${two(there.getUTCHours())}:${two(there.getUTCMinutes())}:${two(there.getUTCSeconds())}`;
  return `${day} ${time} ${zone < 0 ? '-' : '+'}${two(Math.floor(ahead / 60))}${two(ahead % 60)}`;
}
