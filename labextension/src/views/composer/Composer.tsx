import { useState, type KeyboardEvent, type ReactNode } from 'react';
import type { Block, Check, ProjectUse, Run, Workflow } from '../../contract';
import { aboutOf, editWorkflow, ownFault, type Edit } from '../../state/composer';
import { noHistory, redo, remember, undo, type History } from '../../state/history';
import { useTrans } from '../elements';
import { ComposerHeader } from './ComposerHeader';
import { Graph } from './Graph';
import { Notices } from './Notices';
import { Palette } from './Palette';
import { RunStrip } from './RunStrip';
import { TextView } from './TextView';
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
  /** Stands before the button that saves: what the host can do besides. */
  tools?: ReactNode;
  /** Whether the workflow is a file of its own; what is saved to the service is applied then. */
  isFile?: boolean;
  /** Whether the panel can be seen: the graph measures itself, so it must not be drawn before. */
  visible: boolean;
  onChange: (workflow: Workflow) => void;
  onSave: () => void;
  onStart: () => void;
  onCancel: () => void;
  onRefresh: () => void;
  /** The workflow as a YAML file. */
  onText: (workflow: Workflow) => Promise<string>;
  /** What a YAML file describes; rejects with every fault. */
  onRead: (text: string, project: string) => Promise<Workflow>;
  /** Which task's log to fetch from now on; null for none. */
  onLog: (task: string | null) => void;
}

/** Blocks become tasks of a workflow: what each takes, what it waits for, when it all starts. */
export function Composer(props: ComposerProps) {
  const { blocks, workflow, check, run, onChange } = props;
  const trans = useTrans();
  const [chosen, setChosen] = useState<string | null>(null);
  const [asText, setAsText] = useState(false);
  const [history, setHistory] = useState<History<Workflow>>(noHistory);
  const selected = workflow.tasks.find(task => task.name === chosen) ?? null;

  const edit = (change: Edit) => {
    const next = editWorkflow(workflow, change);
    if (next === workflow) {
      return;
    }
    if (change.type === 'add-task' || change.type === 'duplicate-task') {
      const before = new Set(workflow.tasks.map(task => task.name));
      setChosen(next.tasks.find(task => !before.has(task.name))?.name ?? null);
    }
    if (change.type === 'rename-task' && change.task === chosen) {
      setChosen(change.name);
    }
    setHistory(remember(history, workflow, aboutOf(change), Date.now()));
    onChange(next);
  };
  // What was saved in between stays counted: only what people edit goes back.
  const back = undo(history, workflow);
  const forth = redo(history, workflow);
  const go = (to: typeof back) =>
    to &&
    (() => {
      setHistory(to.history);
      onChange({ ...to.value, revision: to.value.name === workflow.name ? workflow.revision : 0 });
    });
  const [onUndo, onRedo] = [go(back), go(forth)];
  const pressed = (event: KeyboardEvent) => {
    // A field that is typed in undoes by itself.
    if (event.target instanceof Element && event.target.closest('input, textarea, select')) {
      return;
    }
    const key = event.key.toLowerCase();
    const command = event.ctrlKey || event.metaKey;
    const doing =
      command && key === 'z' && !event.shiftKey
        ? onUndo
        : command && (key === 'y' || key === 'z')
          ? onRedo
          : key === 'delete' && selected && !command
            ? () => edit({ type: 'remove-task', task: selected.name })
            : null;
    if (doing) {
      event.preventDefault();
      event.stopPropagation();
      doing();
    }
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
    <section className="lq-root lq-composer" aria-label={trans.__('Workflow composer')} onKeyDown={pressed}>
      <ComposerHeader {...props} onUndo={onUndo} onRedo={onRedo} asText={asText} onAsText={setAsText} savable={ownFault(workflow) === ''} onEdit={edit} />
      {run && <RunStrip run={run} onCancel={props.onCancel} />}
      {asText ? (
        <TextView
          workflow={workflow}
          onText={props.onText}
          onRead={props.onRead}
          onChange={read => {
            setHistory(remember(history, workflow, 'text', Date.now()));
            onChange(read);
          }}
          onClose={() => setAsText(false)}
        />
      ) : (
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
      )}
    </section>
  );
}
