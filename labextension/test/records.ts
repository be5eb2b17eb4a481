/** Records of runs that the tests begin with. */
import type { Run, RunState, TaskRun, TaskState } from '../src/contract';
import { emptyWorkflow, PLAIN_TASK } from '../src/state/composer';
import { DEFAULT_RESOURCES } from '../src/state/resources';

export function taskRun(name: string, state: TaskState = 'SUCCEEDED', more: Partial<TaskRun> = {}, foreach: unknown = null): TaskRun {
  return {
    run_id: 'r1',
    task: { name, block: name, version: '1', inputs: {}, resources: DEFAULT_RESOURCES, after: [], ...PLAIN_TASK, foreach },
    state,
    attempt: 1,
    reason: '',
    inputs: null,
    outputs: null,
    progress: null,
    ready_at: null,
    started_at: null,
    ended_at: null,
    exit_code: null,
    peak_memory_bytes: null,
    item: null,
    cause: null,
    cancel_requested: false,
    not_before: null,
    admitted_at: null,
    warned_at: null,
    cpu_s: null,
    reused_from: null,
    fingerprint: null,
    ...more
  };
}

export function run(state: RunState, tasks: TaskRun[], more: Partial<Run> = {}): Run {
  return {
    id: 'r1',
    workflow: emptyWorkflow(),
    state,
    created_at: '2026-01-01T00:00:00.000Z',
    tasks,
    due_at: null,
    started_at: null,
    ended_at: null,
    reason: '',
    cancel_requested: false,
    executor: 'process',
    author: '',
    rerun_of: null,
    ...more
  };
}
