/** The composer as an anywidget: the traits carry documents, the messages carry wishes. */
import type { AnyModel, RenderProps } from '@anywidget/types';
import '@xyflow/react/dist/base.css';
import { useCallback, useEffect, useState, useSyncExternalStore } from 'react';
import { createRoot } from 'react-dom/client';
import '../../style/base.css';
import type { Block, Check, ProjectUse, Run, Workflow } from '../contract';
import { appendLog, emptyLog, type Log } from '../state/log';
import { isTaskActive } from '../state/states';
import { Composer, type Message } from '../views/composer';

interface Traits {
  blocks: Block[];
  projects: ProjectUse[];
  workflow: Workflow;
  check: Check;
  run: Run | null;
  busy: boolean;
  message: Message | Record<string, never>;
}

/** What is sent to Python. */
type Wish = { kind: 'save' | 'start' | 'cancel' | 'refresh' } | { kind: 'log'; task: string; offset: number };

/** What Python answers to a `log` wish. */
interface LogAnswer {
  kind: 'log';
  task: string;
  text: string;
  next: number;
}

const LOG_EVERY_MS = 1000;

function useTrait<K extends keyof Traits & string>(model: AnyModel<Traits>, name: K): Traits[K] {
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
function useLog(model: AnyModel<Traits>, task: string | null, grows: boolean): Log {
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

function wish(model: AnyModel<Traits>, what: Wish): void {
  model.send(what);
}

function Panel({ model }: { model: AnyModel<Traits> }) {
  const workflow = useTrait(model, 'workflow');
  const run = useTrait(model, 'run');
  const message = useTrait(model, 'message');
  const [logTask, setLogTask] = useState<string | null>(null);
  const followed = run?.tasks.find(one => one.task.name === logTask);
  const log = useLog(model, logTask, followed !== undefined && isTaskActive(followed.state));
  return (
    <Composer
      blocks={useTrait(model, 'blocks')}
      projects={useTrait(model, 'projects')}
      workflow={workflow}
      check={useTrait(model, 'check')}
      run={run}
      busy={useTrait(model, 'busy')}
      message={'text' in message ? (message as Message) : null}
      log={logTask === null ? null : { task: logTask, text: log.text, cut: log.cut }}
      visible={true}
      onChange={changed => {
        model.set('workflow', changed);
        model.save_changes();
      }}
      onSave={() => wish(model, { kind: 'save' })}
      onStart={() => wish(model, { kind: 'start' })}
      onCancel={() => wish(model, { kind: 'cancel' })}
      onRefresh={() => wish(model, { kind: 'refresh' })}
      onLog={setLogTask}
    />
  );
}

export default {
  render({ model, el }: RenderProps<Traits>): () => void {
    // A box of its own: the host may empty `el` before it cleans up, and React must still find its nodes.
    const box = document.createElement('div');
    box.className = 'lq-widget';
    el.append(box);
    const root = createRoot(box);
    root.render(<Panel model={model} />);
    return () => root.unmount();
  }
};
