import { useState } from 'react';
import type { Block, Check, ProjectUse, Run, Workflow } from '../../contract';
import { editWorkflow, ownFault, type Edit } from '../../state/composer';
import { useTrans } from '../elements';
import { ComposerHeader } from './ComposerHeader';
import { Graph } from './Graph';
import { Notices } from './Notices';
import { Palette } from './Palette';
import { RunStrip } from './RunStrip';
import { TaskInspector } from './TaskInspector';
import { WorkflowInspector } from './WorkflowInspector';

export interface Message {
  severity: 'info' | 'error';
  text: string;
}

/** The log that is shown of one task of the run. */
export interface TaskLog {
  task: string;
  text: string;
  cut: boolean;
}

export interface ComposerProps {
  /** Newest versions first, of each block. */
  blocks: Block[];
  projects: ProjectUse[];
  workflow: Workflow;
  check: Check;
  run: Run | null;
  busy: boolean;
  message: Message | null;
  log: TaskLog | null;
  /** Whether the panel can be seen: the graph measures itself, so it must not be drawn before. */
  visible: boolean;
  onChange: (workflow: Workflow) => void;
  onSave: () => void;
  onStart: () => void;
  onCancel: () => void;
  onRefresh: () => void;
  /** Which task's log to fetch from now on; null for none. */
  onLog: (task: string | null) => void;
}

/** Blocks become tasks of a workflow: what each takes, what it waits for, when it all starts. */
export function Composer(props: ComposerProps) {
  const { blocks, workflow, check, run, onChange } = props;
  const trans = useTrans();
  const [chosen, setChosen] = useState<string | null>(null);
  const selected = workflow.tasks.find(task => task.name === chosen) ?? null;

  const edit = (change: Edit) => {
    const next = editWorkflow(workflow, change);
    if (next === workflow) {
      return;
    }
    if (change.type === 'add-task') {
      setChosen(next.tasks.at(-1)?.name ?? null);
    }
    if (change.type === 'rename-task' && change.task === chosen) {
      setChosen(change.name);
    }
    onChange(next);
  };
  const select = (task: string | null) => {
    setChosen(task);
    if (props.log && props.log.task !== task) {
      props.onLog(null);
    }
  };
  // Without tasks the empty graph says what to do.
  const own = workflow.tasks.length > 0 ? ownFault(workflow) : '';
  const faults = [own, ...check.faults].filter(fault => fault !== '');

  return (
    <section className="lq-root lq-composer" aria-label={trans.__('Workflow composer')}>
      <ComposerHeader {...props} savable={ownFault(workflow) === ''} onEdit={edit} />
      {run && <RunStrip run={run} onCancel={props.onCancel} />}
      <div className="lq-composer-body">
        <Palette blocks={blocks} onAdd={block => edit({ type: 'add-task', block })} onRefresh={props.onRefresh} />
        <div className="lq-canvas">
          <Graph
            workflow={workflow}
            run={run}
            blocks={blocks}
            faults={check.faults}
            selected={selected?.name ?? null}
            visible={props.visible}
            onSelect={select}
            onEdit={edit}
          />
          <Notices faults={faults} tasks={workflow.tasks} onSelect={select} />
        </div>
        <div className="lq-inspector">
          {selected ? (
            <TaskInspector
              key={selected.name}
              task={selected}
              {...props}
              faults={check.faults}
              onEdit={edit}
              onClose={() => select(null)}
            />
          ) : (
            <WorkflowInspector workflow={workflow} check={check} onEdit={edit} />
          )}
        </div>
      </div>
    </section>
  );
}
