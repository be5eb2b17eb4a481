/** What Python and the browser say to each other: traits carry documents, messages carry wishes and their answers. */
import type { AnyModel } from '@anywidget/types';
import { useCallback, useEffect, useState, useSyncExternalStore } from 'react';
import { RequestError, type Failure } from '../client/failure';
import type { Block, Check, ProjectUse, Run, Workflow } from '../contract';
import { appendLog, emptyLog, type Log } from '../state/log';
import type { Message } from '../views/composer';

export interface Traits {
  /** Which panel it is. */
  face: 'workflow' | 'run';
  blocks: Block[];
  projects: ProjectUse[];
  workflow: Workflow;
  check: Check;
  run: Run | null;
  busy: boolean;
  message: Message | Record<string, never>;
}

/** What is sent to Python. */
type Wish =
  | { kind: 'save' | 'overwrite' | 'reload' | 'start' | 'refresh' }
  | { kind: 'cancel'; task?: string | null }
  | { kind: 'pause'; paused: boolean }
  | { kind: 'rerun'; from_failed: boolean }
  | { kind: 'show'; run: string }
  | { kind: 'log'; task: string; offset: number }
  | Question;

/** What Python answers, with the same number. */
type Question = { number: number } & (
  | { kind: 'text'; workflow: Workflow }
  | { kind: 'read'; text: string; project: string }
  | { kind: 'backfill'; first: string; last: string; preview: boolean }
  | { kind: 'notebook'; task: string }
);
type Asked = Question extends infer One ? (One extends unknown ? Omit<One, 'number'> : never) : never;

export interface Answer {
  kind: Question['kind'];
  number: number;
  text?: string;
  workflow?: Workflow;
  /** When runs start, of a backfill. */
  starts?: string[];
  notebook?: unknown;
  failure?: Partial<Failure>;
}

/** What Python answers to a `log` wish. */
interface LogAnswer {
  kind: 'log';
  task: string;
  text: string;
  next: number;
}

const LOG_EVERY_MS = 1000;

export function useTrait<K extends keyof Traits & string>(model: AnyModel<Traits>, name: K): Traits[K] {
  const subscribe = useCallback(
    (changed: () => void) => {
      model.on(`change:${name}`, changed);
      return () => model.off(`change:${name}`, changed);
    },
    [model, name]
  );
  return useSyncExternalStore(subscribe, () => model.get(name));
}

/** The log of `task`, asked for piece by piece for as long as it may grow. */
export function useLog(model: AnyModel<Traits>, task: string | null, grows: boolean): Log {
  const [log, setLog] = useState<Log>(emptyLog);
  const [of, setOf] = useState(task);
  if (of !== task) {
    setOf(task);
    setLog(emptyLog);
  }
  useEffect(() => {
    const received = (message: LogAnswer) => {
      if (message.kind === 'log' && message.task === task) {
        // Two answers to the same offset: the second says nothing new.
        setLog(before => (message.next > before.next ? appendLog(before, message.text, message.next) : before));
      }
    };
    model.on('msg:custom', received);
    return () => model.off('msg:custom', received);
  }, [model, task]);
  const { next } = log;
  useEffect(() => {
    if (task === null) {
      return;
    }
    const ask = () => wish(model, { kind: 'log', task, offset: next });
    ask();
    const timer = grows ? setInterval(ask, LOG_EVERY_MS) : undefined;
    return () => clearInterval(timer);
  }, [model, task, next, grows]);
  return log;
}

export function wish(model: AnyModel<Traits>, what: Wish): void {
  model.send(what);
}

let asked = 0;

/** Ask Python something, and wait for what it says to that; rejects with `RequestError`. */
export function ask(model: AnyModel<Traits>, what: Asked): Promise<Answer> {
  asked += 1;
  const number = asked;
  return new Promise((resolve, reject) => {
    const received = (answer: Answer) => {
      if (answer.kind === what.kind && answer.number === number) {
        model.off('msg:custom', received);
        if (answer.failure) {
          reject(new RequestError({ kind: 'Invalid', message: '', hint: '', faults: [], log: '', ...answer.failure }));
        } else {
          resolve(answer);
        }
      }
    };
    model.on('msg:custom', received);
    wish(model, { ...what, number } as Wish);
  });
}
