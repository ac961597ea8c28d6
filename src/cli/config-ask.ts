import { EXIT } from './exit.ts';
import { CommandError } from './failure.ts';
import type { Surroundings } from './surroundings.ts';

/** What a person is asked; `wrong` says why an answer that is not empty can't be used. */
export interface Question {
  readonly text: string;
  readonly wrong?: (answer: string) => string | undefined;
}

type AnswerTo = (question: Question) => Promise<string>;

/** Answers that can't be used, after which nobody is asked again. */
const MAX_TRIES = 5;
/** Characters; a terminal gives no more at once. */
const MAX_LINE = 4096;

/** Asks on standard error and reads a line of standard input for each answer. @throws {CommandError} where they end */
export async function ask<T>(around: Surroundings, act: (answerTo: AnswerTo) => Promise<T>): Promise<T> {
  const conversation = around.converse();
  const lines = linesOf(conversation.input);
  const answerTo: AnswerTo = async ({ text, wrong }) => {
    for (let tries = 0; tries < MAX_TRIES; tries++) {
      around.stderr.write(text);
      const { value, done } = await lines.next();
      if (done === true) throw new CommandError('Cannot write configuration: the answers end early', EXIT.usage);
      const answer = value.trim();
      const why = answer === '' ? undefined : wrong?.(answer);
      if (why === undefined) return answer;
      around.stderr.write(`${why}\n`);
    }
    throw new CommandError('Cannot write configuration: no answer can be used', EXIT.usage);
  };
  try {
    return await act(answerTo);
  } finally {
    conversation.end();
  }
}

async function* linesOf(input: AsyncIterable<Buffer>): AsyncGenerator<string, undefined> {
  const decoder = new TextDecoder();
  let rest = '';
  for await (const chunk of input) {
    rest += decoder.decode(chunk, { stream: true });
    const lines = rest.split('\n');
    rest = lines.pop() ?? '';
    if (rest.length > MAX_LINE) throw new CommandError('Cannot write configuration: an answer is too long', EXIT.usage);
    yield* lines;
  }
  if (rest !== '') yield rest;
  return undefined;
}
