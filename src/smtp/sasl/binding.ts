/*
 * What a login is bound to (RFC 5056): bytes that only the two ends of one TLS connection have in common. Somebody in
 * the middle, with a certificate that we believe in, has two connections with different ones, and can't pass the login on.
 *
 * Two kinds are made: `tls-exporter` (RFC 9266), of the secrets of TLS 1.3, and `tls-server-end-point` (RFC 5929), the
 * hash of the server's certificate. Of the third, `tls-unique`, nothing is left in TLS 1.3.
 */
export interface ChannelBinding {
  readonly type: 'tls-exporter' | 'tls-server-end-point';
  readonly bytes: Buffer;
}

/**
 * The channel in the header of GS2 (RFC 5802, section 6): bound; `y` where we could, and the server did not offer it;
 * `n` where we can't, or don't want to. A server that did offer it sees by a `y` that somebody took the offer away.
 */
export type Channel = ChannelBinding | 'y' | 'n';

/** The header, which begins the exchange: no other identity to act as. */
export const gs2Header = (channel: Channel): string =>
  `${typeof channel === 'string' ? channel : `p=${channel.type}`},,`;
