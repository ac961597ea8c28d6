/** Which IP addresses are tried, and in what order. */
export type FamilyPreference = 'any' | '4' | '6' | 'prefer-4' | 'prefer-6';

/** The addresses to try: of one family alone, or of one before the other. A socket's path, or a name, is of any. */
export function orderFamilies(addresses: readonly string[], preference: FamilyPreference): readonly string[] {
  const familyOf = (address: string): '4' | '6' | undefined =>
    address.startsWith('/') ? undefined : address.includes(':') ? '6' : /^[0-9.]+$/.test(address) ? '4' : undefined;
  switch (preference) {
    case 'any':
      return addresses;
    case '4':
    case '6':
      return addresses.filter((address) => (familyOf(address) ?? preference) === preference);
    case 'prefer-4':
    case 'prefer-6': {
      const isFirst = (address: string): boolean => familyOf(address) === preference.slice(-1);
      return [...addresses.filter(isFirst), ...addresses.filter((address) => !isFirst(address))];
    }
  }
}
