const suffixes: Readonly<Record<string, number>> = {
  ...{ '': 1, k: 1e3, M: 1e6, G: 1e9, T: 1e12, P: 1e15, E: 1e18 },
  ...{ Ki: 2 ** 10, Mi: 2 ** 20, Gi: 2 ** 30, Ti: 2 ** 40, Pi: 2 ** 50, Ei: 2 ** 60 },
}

/** The whole number that a Kubernetes quantity such as `10Gi` stands for, rounded up and at most 2^53 - 1. */
export function parseQuantity(quantity: number | string): number {
  if (typeof quantity === 'number') return quantity
  const [, amount = '0', suffix = ''] = /^(-?[0-9.]+)([a-zA-Z]*)$/.exec(quantity) ?? []
  return Math.min(Math.ceil(Number(amount) * (suffixes[suffix] ?? 1)), Number.MAX_SAFE_INTEGER)
}
