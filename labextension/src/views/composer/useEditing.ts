import { useState } from 'react';
import type { Workflow } from '../../contract';
import { aboutOf, editWorkflow, type Edit } from '../../state/composer';
import { noHistory, redo, remember, undo, type History } from '../../state/history';

export interface Editing {
  /** Gives the workflow after the edit; the same where it changes nothing. */
  edit: (change: Edit) => Workflow;
  /** Puts another workflow in its place, as one step. */
  replace: (workflow: Workflow) => void;
  /** Makes what is shown now a step to come back to: something else is about to take its place. */
  keep: () => void;
  /** null where there is nothing to undo, or to do again. */
  onUndo: (() => void) | null;
  onRedo: (() => void) | null;
}

/** Changes of a workflow that can be undone. */
export function useEditing(workflow: Workflow, onChange: (workflow: Workflow) => void): Editing {
  const [history, setHistory] = useState<History<Workflow>>(noHistory);
  const edit = (change: Edit) => {
    const next = editWorkflow(workflow, change);
    if (next !== workflow) {
      setHistory(remember(history, workflow, aboutOf(change), Date.now()));
      onChange(next);
    }
    return next;
  };
  const keep = () => setHistory(remember(history, workflow, null, Date.now()));
  const replace = (other: Workflow) => {
    setHistory(remember(history, workflow, 'text', Date.now()));
    onChange(other);
  };
  // What was saved in between stays counted: only what people edit goes back.
  const go = (to: ReturnType<typeof undo<Workflow>>) =>
    to &&
    (() => {
      setHistory(to.history);
      onChange({ ...to.value, paused: workflow.paused, revision: to.value.name === workflow.name ? workflow.revision : 0 });
    });
  return { edit, replace, keep, onUndo: go(undo(history, workflow)), onRedo: go(redo(history, workflow)) };
}
