import type { Transcript } from '../net/transcript.ts';

/** Shorter words stand in innocent text too. */
const SHORTEST = 4;

/**
 * A transcript that hides secrets from what the server says as well: some servers repeat what they refuse. Hidden are
 * the secrets that are given and whatever the client's own lines had to hide.
 */
export function striking(transcript: Transcript, secrets: readonly string[]): Transcript {
  const hidden = new Set(secrets.filter((secret) => secret.length >= SHORTEST));
  return {
    ...transcript,
    client(line, secretAfter) {
      const secret = secretAfter === undefined ? '' : line.slice(secretAfter.length);
      if (secret.length >= SHORTEST) hidden.add(secret);
      transcript.client(line, secretAfter);
    },
    server(reply) {
      if (hidden.size === 0) return transcript.server(reply);
      const longestFirst = [...hidden].sort((one, other) => other.length - one.length);
      const clean = (text: string): string =>
        longestFirst.reduce((rest, secret) => rest.replaceAll(secret, '<secret>'), text);
      transcript.server({ ...reply, lines: reply.lines.map(clean) });
    },
  };
}
