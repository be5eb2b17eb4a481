import type { AnyModel } from '@anywidget/types';
import { useEffect, useReducer, useState } from 'react';
import { failureOf, type Failure } from '../client/failure';
import { fetched, unfetched, type Remote } from '../state/remote';
import { initialRunPage, reduceRunPage, tellingTask } from '../state/runPage';
import { findAddressed, hasLog, isTaskActive } from '../state/states';
import { RunPage } from '../views/run';
import { ask, useLog, useTrait, wish, type Traits } from './traits';

const NOTEBOOK_EVERY_MS = 2000;
const nothing = () => undefined;

/** The page of a run over the traits of a `RunPanel`. */
export function RunFace({ model }: { model: AnyModel<Traits> }) {
  const run = useTrait(model, 'run');
  const busy = useTrait(model, 'busy');
  const message = useTrait(model, 'message');
  const [state, dispatch] = useReducer(reduceRunPage, initialRunPage);
  const [shown, setShown] = useState<string | null>(null);
  if (run && run.id !== shown && run.tasks.length > 0) {
    // Another run: what is worth looking at first is chosen anew.
    setShown(run.id);
    dispatch({ type: 'task', task: tellingTask(run) });
  }
  const one = run && state.task !== null ? findAddressed(run, state.task) : null;
  const executed = one !== null && hasLog(one);
  const grows = one !== null && isTaskActive(one.state);
  const log = useLog(model, executed && state.taskTab === 'log' ? state.task : null, grows);
  const notebook = useNotebook(model, executed && state.taskTab === 'notebook' ? state.task : null, grows);
  const failure: Failure | null =
    'text' in message && message.severity === 'error'
      ? { kind: 'Error', message: message.text ?? '', hint: '', faults: [], log: '' }
      : null;
  return (
    <RunPage
      id={run?.id ?? ''}
      state={state}
      run={run ? fetched(run) : unfetched()}
      log={log}
      notebook={notebook}
      failure={failure}
      busy={busy}
      visible={true}
      dispatch={dispatch}
      onRefresh={() => wish(model, { kind: 'refresh' })}
      onDismiss={() => {
        model.set('message', {});
        model.save_changes();
      }}
      onCancel={task => wish(model, { kind: 'cancel', task })}
      onRerun={from_failed => wish(model, { kind: 'rerun', from_failed })}
      onRun={id => wish(model, { kind: 'show', run: id })}
      onCopy={text => void navigator.clipboard?.writeText(text).catch(nothing)}
    />
  );
}

/** The executed notebook of `task`, asked for anew for as long as it may grow. */
function useNotebook(model: AnyModel<Traits>, task: string | null, grows: boolean): Remote<unknown> {
  const [notebook, setNotebook] = useState<Remote<unknown>>(unfetched<unknown>);
  const [of, setOf] = useState(task);
  if (of !== task) {
    setOf(task);
    setNotebook(unfetched<unknown>());
  }
  useEffect(() => {
    if (task === null) {
      return undefined;
    }
    let wanted = true;
    const fetch = () =>
      void ask(model, { kind: 'notebook', task }).then(
        answer => wanted && setNotebook(fetched(answer.notebook)),
        (error: unknown) => wanted && setNotebook(before => ({ ...before, failure: failureOf(error), loading: false }))
      );
    fetch();
    const timer = grows ? setInterval(fetch, NOTEBOOK_EVERY_MS) : undefined;
    return () => {
      wanted = false;
      clearInterval(timer);
    };
  }, [model, task, grows]);
  return notebook;
}
