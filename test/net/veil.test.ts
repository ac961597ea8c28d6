import { expect, test } from 'vitest';
import { createVeil } from '../../src/net/veil.ts';

test('createVeil() hides what it was given, as text and as base64', () => {
  const veil = createVeil(['sesame', 'open']);
  expect(veil.text('sesame and c2VzYW1l, open and b3Blbg==')).toBe('<secret> and <secret>, <secret> and <secret>');
});

test('createVeil() hides the longer one of two secrets that begin alike', () => {
  const veil = createVeil([]);
  veil.hide('secret');
  veil.hide('secret-word');
  expect(veil.text('secret-word secret')).toBe('<secret> <secret>');
});

test('createVeil() takes a secret for text and not for a pattern', () => {
  const veil = createVeil(['a.c*(\\d']);
  expect(veil.text('abcc a.c*(\\d')).toBe('abcc <secret>');
});

test('createVeil() leaves a reply as it is when there is nothing to hide but what is shorter than a word', () => {
  const veil = createVeil(['x']);
  const reply = { code: 250, lines: ['mx ok, x'] };
  expect(veil.reply(reply).lines).toEqual(['mx ok, x']);
});
