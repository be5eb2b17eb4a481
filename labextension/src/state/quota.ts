import type { ProjectUse, Run, TaskRun } from '../contract';
import { isActive, isGroup, newestTasks } from './states';

/** A task that waits for room, and its run. */
export interface Queued {
  run: Run;
  task: TaskRun;
}

/** The tasks of a project that wait for room, longest waiting first. */
export function queueOf(project: string, runs: readonly Run[]): Queued[] {
  return runs
    .filter(run => run.workflow.project === project && isActive(run.state))
    .flatMap(run => newestTasks(run).map(task => ({ run, task })))
    .filter(({ task }) => task.state === 'PENDING' && !isGroup(task))
    .sort((one, other) => (one.task.ready_at ?? '').localeCompare(other.task.ready_at ?? ''));
}

/** Between 0 and 1, of what is in use; 1 too where a quota was lowered below that. */
export function shareOf(used: number, quota: number): number {
  return quota <= 0 ? 1 : Math.min(1, used / quota);
}

/** Whether more is in use than the quota allows, as after it was lowered: nothing is stopped, nothing more begins. */
export function isOver({ project, used }: ProjectUse): boolean {
  return used.cpu_millicores > project.quota.cpu_millicores || used.memory_bytes > project.quota.memory_bytes;
}
