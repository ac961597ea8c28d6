import { at, command, type Fault, fault } from './proof.ts';

const DNS = {
  N01: fault('the domain does not exist', 'table', at('dns/mx', '(N01)')),
  N05: fault('an answer that is not known', 'table', at('dns/addresses', '(N05)')),
  N07: fault('null MX, alone and beside others', 'table', at('dns/mx', '(N07)')),
  N08: fault('MX without an address', 'table', at('dns/addresses', '(N08)')),
  N09: fault('an MX that is a CNAME', 'table', at('dns/query', 'follows CNAMEs in one answer')),
  N12: fault('an MX on this machine', 'table', at('net/local-address', '(N12)')),
  N14: fault('MX of equal preference', 'table', at('dns/mx', '(N14)')),
  N15: fault('dead addresses before one that is not', 'table', at('dns/addresses', 'N15')),
  N16: fault('121 MX', 'table', at('dns/query', '(N16)'), at('dns/mx', '(N16)')),
  N18: fault('forged answers', 'table', at('dns/query', 'createResolver()')),
  N19: fault('records that were not asked for', at('dns/stub', '(N19)'), at('dns/packet', '(N19)')),
  N20: fault('names without end', 'table', at('dns/packet', 'refuses a chain of 8,000 pointers')),
  N21: fault('lengths that do not fit', 'table', at('dns/packet', '(N21)')),
  N23: fault('counts that do not fit, empty packets', 'table', at('dns/packet', '(N23)')),
  N24: fault(
    'dead name servers, and what resolv.conf may hold',
    'table',
    at('dns/resolv-conf', '(N24)'),
    at('dns/ask', '(N24)'),
  ),
  N25: fault('a name server that does not know EDNS', 'table', at('dns/ask', '(N25)')),
  N26: fault('strange TTLs', at('dns/stub', '(N26)')),
  N27: fault('AAAA fails, A does not', 'table', at('dns/addresses', '(N27)')),
  N28: fault('domains that are no host names, and numbers', 'table', at('dns/stub', '(N28)')),
  N29: fault('address literals', 'table', at('route/resolve', '(N29)')),
  N30: fault('thousands of domains', 'table', at('dns/query', '(N30)'), at('route/plan', '(N30)')),
};

const INPUT = {
  I01: fault('line ends in addresses', 'table', at('mail/address-list-refused', 'what would be dangerous on the wire')),
  I02: fault(
    'line ends in names, ids and users',
    'table',
    at('mail/xtext', 'writes one printable word'),
    at('config/relay', 'refuses CR, LF and NUL anywhere'),
  ),
  I03: fault('letters whose low octet is a line end', 'table', at('mail/xtext', '\\u760d\\u760a')),
  I04: fault('headers that are folded, or end early', 'table', at('message/split', 'keeps every octet but mbox lines')),
  I06: fault('long addresses', 'table', at('mail/address-list', 'allows local parts longer than 64 octets')),
  I09: fault('routes, groups, comments, names in RFC 2047', 'table', at('mail/address-list', 'lists and groups')),
  I10: fault(
    'nested and endless addresses',
    'table',
    at('message/recipients', 'reads 100,000 recipients in one field'),
  ),
  I11: fault('recipients that look like options', 'table', at('cli/program', 'hides nothing behind an option')),
  I13: fault('no recipient', 'table'),
  I14: fault('Bcc', 'table', at('message/complete', 'removes Bcc, Resent-Bcc and Return-Path')),
  I15: fault('-t and arguments', 'table', at('cli/run', 'takes recipients from the header and the arguments')),
  I16: fault('Resent fields', 'table', at('message/recipients', 'gives only resent ones when there is one')),
  I18: fault(
    'mbox lines, no header, no blank line',
    'table',
    at('message/split', 'an mbox line further down as the body'),
  ),
  I20: fault(
    'no Date, Message-ID or From',
    'table',
    at('message/complete', 'changes nothing where nothing is missing'),
  ),
  I21: fault(
    'standard input and --file of every kind',
    command('I21 standard input'),
    command('I21 --file'),
    at('submit/standard-input', 'intake() of standard input'),
  ),
  I22: fault('200 MiB', at('faults/interrupted', 'I22 a message of 200 MiB')),
  I23: fault('headers that are not ASCII', 'table', at('message/complete', 'leaves a Resent- block and 8-bit values')),
  I24: fault(
    'the environment',
    command('I24 the environment changes nothing'),
    at('cli/main', 'needs nothing of the environment'),
  ),
  I25: fault(
    'addresses that are none, names without a domain',
    'table',
    at('mail/address-list-refused', 'what is no address'),
  ),
};

/** What name servers and callers can hand over. */
export const INPUT_FAULTS: Readonly<Record<string, Fault>> = {
  ...DNS,
  ...INPUT,
};
