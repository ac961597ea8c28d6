import { testRows } from '../support/fault-rows.ts';
import { AUTH_ROWS } from './auth-rows.ts';
import { DANE_ROWS } from './dane-rows.ts';
import { HELLO_ROWS } from './hello-rows.ts';
import { TLS_ROWS } from './tls-rows.ts';

testRows([...HELLO_ROWS, ...TLS_ROWS, ...DANE_ROWS, ...AUTH_ROWS], { needsTls: true });
