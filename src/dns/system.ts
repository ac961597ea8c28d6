/** The addresses of a name as the system finds them: /etc/hosts, nsswitch, DNS; in its order. Rejects with Node's error. */
export async function systemLookup(host: string): Promise<readonly string[]> {
  const { lookup } = await import('node:dns/promises');
  // `verbatim`: node:dns would put IPv4 first otherwise, where the system knows better (RFC 6724).
  const found = await lookup(host, { all: true, verbatim: true });
  return found.map(({ address }) => address);
}
