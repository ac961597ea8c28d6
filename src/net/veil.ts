import type { Reply } from '../mail/reply.ts';

/** Strikes secrets out of what a server says: some repeat what they refuse. One for each connection. */
export interface Veil {
  /** What is hidden from now on, beside what was given at first. */
  hide(secret: string): void;
  text(text: string): string;
  reply(reply: Reply): Reply;
}

/** Shorter words stand in innocent text too. */
const SHORTEST = 4;

export function createVeil(secrets: readonly string[]): Veil {
  const hidden = new Set<string>();
  let pattern: RegExp | undefined;
  const hide = (secret: string): void => {
    if (secret.length < SHORTEST || hidden.has(secret)) return;
    hidden.add(secret);
    // One may begin like another: the longest is looked for first.
    const words = [...hidden].sort((one, other) => other.length - one.length);
    pattern = new RegExp(words.map((word) => word.replace(/[.*+?^${}()|[\]\\/-]/g, '\\$&')).join('|'), 'g');
  };
  const text = (said: string): string => (pattern === undefined ? said : said.replace(pattern, '<secret>'));
  for (const secret of secrets) {
    hide(secret);
    hide(Buffer.from(secret).toString('base64'));
  }
  return {
    hide,
    text,
    reply: (reply) => (pattern === undefined ? reply : { ...reply, lines: reply.lines.map(text) }),
  };
}
