import type { Input, InputType, Json, Values } from '../contract';
import { isIdentifier } from './names';

/** A value that was read from text, or why it cannot be. */
export type Parsed = { value: Json; fault: null } | { value: null; fault: string };

/**
 * The value that a form field's `text` stands for, by the rules of `model.parse_value`.
 *
 * Text for a `str` input is taken as it is, without quotes.
 */
export function parseValue(type: InputType, text: string): Parsed {
  const trimmed = text.trim();
  switch (type) {
    case 'str':
      return { value: text, fault: null };
    case 'int':
      return /^[+-]?\d+$/.test(trimmed)
        ? { value: Number(trimmed), fault: null }
        : { value: null, fault: 'Write a whole number.' };
    case 'float':
      return trimmed !== '' && Number.isFinite(Number(trimmed))
        ? { value: Number(trimmed), fault: null }
        : { value: null, fault: 'Write a number.' };
    case 'bool':
      return trimmed === 'true' || trimmed === 'false'
        ? { value: trimmed === 'true', fault: null }
        : { value: null, fault: 'Write true or false.' };
    case 'json':
      try {
        return { value: JSON.parse(text) as Json, fault: null };
      } catch {
        return { value: null, fault: 'Write a JSON document.' };
      }
  }
}

/** A value as a form field shows it: `parseValue` reads it back. */
export function formatValue(value: Json | undefined): string {
  if (value === undefined || value === null) {
    return '';
  }
  return typeof value === 'string' ? value : JSON.stringify(value);
}

/** A value as a sentence shows it: text in quotes, long documents cut. */
export function shortValue(value: Json, limit = 60): string {
  const text = JSON.stringify(value);
  return text.length > limit ? `${text.slice(0, limit - 1)}…` : text;
}

const SECRET = /^\$\{\{\s*secrets\.([A-Za-z_][A-Za-z0-9_]*)\s*\}\}$/;

/**
 * The value that a form field's `text` stands for, as an input takes it.
 *
 * A secret input takes the name of a stored secret, never a value.
 */
export function parseInput(input: Input, text: string): Parsed {
  if (!input.secret) {
    return parseValue(input.type, text);
  }
  const name = text.trim();
  return isIdentifier(name)
    ? { value: `\${{ secrets.${name} }}`, fault: null }
    : { value: null, fault: 'Write the name of a stored secret, never its value.' };
}

/** An input's value as a form field shows it: `parseInput` reads it back. */
export function formatInput(input: Input, value: Json | undefined): string {
  const name = input.secret && typeof value === 'string' ? SECRET.exec(value)?.[1] : undefined;
  return name ?? formatValue(value);
}

/** Texts of a form, by input name. */
export type Texts = { [name: string]: string };

/** The texts a form for `inputs` begins with. */
export function initialTexts(inputs: readonly Input[], values: Values = {}): Texts {
  return Object.fromEntries(
    inputs.map(one => [one.name, formatInput(one, one.name in values ? values[one.name] : one.default)])
  );
}

/**
 * The values of a filled form: only those that differ from the default, so that a later default counts.
 *
 * An empty field of an input that is not text means: the default. `faults` are by input name.
 */
export function readForm(inputs: readonly Input[], texts: Texts): { values: Values; faults: Texts } {
  const values: Values = {};
  const faults: Texts = {};
  for (const one of inputs) {
    const text = texts[one.name] ?? '';
    if (text === formatValue(one.default) && !(one.required && one.default === null)) {
      continue;
    }
    if (text === '' && (one.type !== 'str' || one.required || one.secret)) {
      // A secret that is not named is the stored one of the input's own name.
      if (one.required && !one.secret) {
        faults[one.name] = 'Needs a value.';
      }
      continue;
    }
    const parsed = parseInput(one, text);
    if (parsed.fault === null) {
      values[one.name] = parsed.value;
    } else {
      faults[one.name] = parsed.fault;
    }
  }
  return { values, faults };
}

const REFERENCE = /^\$\{\{\s*tasks\.([a-z0-9-]+)\.outputs\.([A-Za-z_][A-Za-z0-9_]*)\s*\}\}$/;

/** Task and output that an input value takes, or null if it is a plain value. */
export function parseReference(value: Json | undefined): { task: string; output: string } | null {
  const found = typeof value === 'string' ? REFERENCE.exec(value) : null;
  return found?.[1] && found[2] ? { task: found[1], output: found[2] } : null;
}

/** The input value that takes `output` of `task`. */
export function reference(task: string, output: string): string {
  return `\${{ tasks.${task}.outputs.${output} }}`;
}
