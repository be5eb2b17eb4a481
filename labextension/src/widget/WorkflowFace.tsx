import type { AnyModel } from '@anywidget/types';
import { useCallback, useState } from 'react';
import type { Workflow } from '../contract';
import { findTask, isTaskActive } from '../state/states';
import { Composer, type Message } from '../views/composer';
import { ask, useLog, useTrait, wish, type Traits } from './traits';

/** The composer over the traits of a `WorkflowPanel`. */
export function WorkflowFace({ model }: { model: AnyModel<Traits> }) {
  const workflow = useTrait(model, 'workflow');
  const run = useTrait(model, 'run');
  const message = useTrait(model, 'message');
  const [logTask, setLogTask] = useState<string | null>(null);
  const text = useCallback(async (of: Workflow) => (await ask(model, { kind: 'text', workflow: of })).text ?? '', [model]);
  const read = useCallback(
    async (file: string, project: string) => {
      const { workflow: found } = await ask(model, { kind: 'read', text: file, project });
      return found ?? workflow;
    },
    [model, workflow]
  );
  const followed = run && logTask !== null ? findTask(run, logTask) : null;
  const log = useLog(model, logTask, followed !== null && isTaskActive(followed.state));
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
      onReload={() => wish(model, { kind: 'reload' })}
      onOverwrite={() => wish(model, { kind: 'overwrite' })}
      onStart={() => wish(model, { kind: 'start' })}
      onCancel={() => wish(model, { kind: 'cancel' })}
      onRefresh={() => wish(model, { kind: 'refresh' })}
      onText={text}
      onRead={read}
      onLog={setLogTask}
      onPause={paused => wish(model, { kind: 'pause', paused })}
      onBackfill={async (first, last, preview) => (await ask(model, { kind: 'backfill', first, last, preview })).starts ?? []}
    />
  );
}
