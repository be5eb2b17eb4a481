import { createContext, useContext } from 'react';

/** The part of a translation bundle that views use; JupyterLab's `TranslationBundle` is one. */
export interface Trans {
  __(message: string, ...values: unknown[]): string;
  _n(singular: string, plural: string, count: number, ...values: unknown[]): string;
}

/** Says everything in English: for hosts without a translator. `%1`, `%2` … stand for the values. */
export const english: Trans = {
  __: (message, ...values) => fill(message, values),
  _n: (singular, plural, count, ...values) => fill(count === 1 ? singular : plural, [count, ...values])
};

function fill(message: string, values: unknown[]): string {
  return message.replace(/%(\d+)/g, (whole, number: string) => {
    const value = values[Number(number) - 1];
    return value === undefined ? whole : String(value);
  });
}

export const TransContext = createContext<Trans>(english);

export function useTrans(): Trans {
  return useContext(TransContext);
}
