import { createPrivateKey, X509Certificate } from 'node:crypto';

/*
 * Whether PEM text is of use, asked before anything is sent: a file that was mixed up would else look like a server that
 * can't do TLS, which is tried again for days or, where TLS is a wish, gone round in the clear.
 */

/** Why there is no certificate in a text; undefined where there is. */
export function whyNoCertificate(pem: string): string | undefined {
  try {
    new X509Certificate(pem);
    return undefined;
  } catch {
    return 'it has no certificate in PEM';
  }
}

/** Why a text is no key for a certificate that can be read; undefined where it is. */
export function whyNoKey(pem: string, certificate: string): string | undefined {
  try {
    const key = createPrivateKey(pem);
    return new X509Certificate(certificate).checkPrivateKey(key) ? undefined : 'it is the key of another certificate';
  } catch {
    return pem.includes('ENCRYPTED') ? 'it is closed with a passphrase' : 'it has no private key in PEM';
  }
}
