import type { Publish, Step } from '../contract';

export const STEPS: readonly Step[] = ['analyse', 'resolve', 'build', 'verify', 'register'];

export type StepState = 'pending' | 'active' | 'done' | 'skipped' | 'failed' | 'cancelled';

export interface StepView {
  step: Step;
  state: StepState;
  /** The last thing it said; "" before it begins. */
  message: string;
  /** Between 0 and 1; null when unknown. */
  share: number | null;
}

/** How far a publish is, step by step, from its events. */
export function stepsOf(publish: Publish): StepView[] {
  const last = publish.events.at(-1);
  const current = last ? STEPS.indexOf(last.step) : 0;
  return STEPS.map((step, number) => {
    const events = publish.events.filter(event => event.step === step);
    const latest = events.at(-1);
    const share = latest?.total ? Math.min(1, (latest.done ?? 0) / latest.total) : null;
    const state = stepState(publish, number, current, events.length > 0);
    // What a step said in an earlier round is over.
    return { step, state, message: state === 'pending' ? '' : (latest?.message ?? ''), share };
  });
}

function stepState(publish: Publish, number: number, current: number, seen: boolean): StepState {
  if (publish.state === 'succeeded') {
    return seen ? 'done' : 'skipped';
  }
  if (number < current) {
    return seen ? 'done' : 'skipped';
  }
  if (number > current) {
    return 'pending';
  }
  return publish.state === 'running' ? 'active' : publish.state;
}

/** A repeated build: its number, and what the build before it lacked. */
export interface Round {
  number: number;
  message: string;
}

/**
 * The rounds of repair that the proof called for, oldest first; empty when the first build was right.
 *
 * A round begins where a step comes again after the proof; what the proof said last is why.
 */
export function roundsOf(publish: Publish): Round[] {
  const rounds: Round[] = [];
  publish.events.forEach((event, number) => {
    const before = publish.events[number - 1];
    if (before?.step === 'verify' && STEPS.indexOf(event.step) < STEPS.indexOf('verify')) {
      rounds.push({ number: rounds.length + 2, message: before.message.replace(/; building again$/, '') });
    }
  });
  return rounds;
}

/** The log of a publish: one line an event; of lines that only count on, the last. */
export function publishLog(publish: Publish): string {
  const shape = (event: Publish['events'][number] | undefined) => event && event.step + event.message.replace(/\d+/g, '0');
  return publish.events
    .filter((event, number, all) => shape(event) !== shape(all[number + 1]))
    .map(event => `${event.step.padEnd(9)} ${event.message}`)
    .join('\n');
}
