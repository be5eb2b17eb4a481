import { useState } from 'react';
import type { ProjectUse, Resources } from '../../contract';
import { isOver, queueOf, shareOf } from '../../state/quota';
import { formatCpu, parseCpu, parseMemory, readableMemory } from '../../state/resources';
import { labelOf } from '../../state/states';
import { AmountFields, Button, Empty, IconButton, Loaded, StateMark, useTrans } from '../elements';
import type { SidebarProps } from './Sidebar';

/** All projects: what of their quota is in use, and what waits for room. */
export function ProjectsTab(props: SidebarProps) {
  const trans = useTrans();
  return (
    <Loaded of={props.projects} label={trans.__('Fetching projects…')} onRetry={props.onRefresh}>
      {projects =>
        projects.length === 0 ? (
          <Empty icon="block" title={trans.__('No projects yet')} />
        ) : (
          <ul className="lq-list" aria-label={trans.__('Projects')}>
            {projects.map(use => (
              <ProjectCard key={use.project.name} use={use} {...props} />
            ))}
          </ul>
        )
      }
    </Loaded>
  );
}

function ProjectCard({ use, ...props }: SidebarProps & { use: ProjectUse }) {
  const trans = useTrans();
  const { project, used } = use;
  const { name, quota } = project;
  const changing = props.state.quota === name;
  const queue = queueOf(name, props.runs.value ?? []);
  return (
    <li className="lq-card lq-project">
      <div className="lq-card-row">
        <span className="lq-title">{name}</span>
        <IconButton
          icon="edit"
          label={trans.__('Change the quota of %1', name)}
          pressed={changing}
          onClick={() => props.dispatch({ type: 'quota', project: changing ? null : name })}
        />
      </div>
      <div className="lq-gauges">
        <Gauge
          label={trans.__('CPU of %1 in use', name)}
          share={shareOf(used.cpu_millicores, quota.cpu_millicores)}
          words={trans.__('%1 of %2 cores', formatCores(used.cpu_millicores), formatCores(quota.cpu_millicores))}
        />
        <Gauge
          label={trans.__('Memory of %1 in use', name)}
          share={shareOf(used.memory_bytes, quota.memory_bytes)}
          words={trans.__('%1 of %2 memory', readableMemory(used.memory_bytes), readableMemory(quota.memory_bytes))}
        />
      </div>
      {isOver(use) && (
        <p className="lq-reason lq-reason-pending">
          {trans.__('More is in use than the quota allows: nothing is stopped, and nothing begins until there is room.')}
        </p>
      )}
      {changing && (
        <QuotaForm
          quota={quota}
          onSave={changed => props.onQuota(name, changed)}
          onClose={() => props.dispatch({ type: 'quota', project: null })}
        />
      )}
      {queue.length > 0 && (
        <>
          <p className="lq-hint">{trans._n('%1 task waits for room', '%1 tasks wait for room', queue.length)}</p>
          <ol className="lq-queue" aria-label={trans.__('Queue of %1', name)}>
            {queue.map(({ run, task }) => (
              <li key={`${run.id} ${labelOf(task)}`}>
                <div className="lq-card-row">
                  <StateMark state={task.state} />
                  <Button kind="link" onClick={() => props.onRun(run)}>
                    {`${run.workflow.name} / ${labelOf(task)}`}
                  </Button>
                </div>
                {task.reason && <p className="lq-reason lq-reason-pending">{task.reason}</p>}
              </li>
            ))}
          </ol>
        </>
      )}
    </li>
  );
}

function Gauge({ label, share, words }: { label: string; share: number; words: string }) {
  const percent = Math.round(share * 100);
  return (
    <>
      <div
        className={`lq-bar${share >= 1 ? ' lq-bar-full' : ''}`}
        role="meter"
        aria-label={label}
        aria-valuemin={0}
        aria-valuemax={100}
        aria-valuenow={percent}
        aria-valuetext={words}
      >
        <span style={{ width: `${percent}%` }} />
      </div>
      <span className="lq-size" aria-hidden="true">
        {words}
      </span>
    </>
  );
}

interface QuotaFormProps {
  quota: Resources;
  onSave: (quota: Resources) => void;
  onClose: () => void;
}

function QuotaForm({ quota, onSave, onClose }: QuotaFormProps) {
  const trans = useTrans();
  const [cpu, setCpu] = useState(formatCpu(quota.cpu_millicores));
  const known = readableMemory(quota.memory_bytes);
  const [memory, setMemory] = useState(known);
  // What nobody touched stays what it is to the byte, though it reads rounded.
  const [cores, bytes] = [parseCpu(cpu), memory === known ? quota.memory_bytes : parseMemory(memory)];
  return (
    <form
      className="lq-confirm"
      onSubmit={event => {
        event.preventDefault();
        if (cores !== null && bytes !== null) {
          onSave({ cpu_millicores: cores, memory_bytes: bytes });
        }
      }}
    >
      <AmountFields cpu={cpu} memory={memory} onCpu={setCpu} onMemory={setMemory} />
      <div className="lq-actions">
        <button type="submit" className="lq-button lq-primary" disabled={cores === null || bytes === null}>
          {trans.__('Save')}
        </button>
        <Button onClick={onClose}>{trans.__('Close')}</Button>
      </div>
    </form>
  );
}

function formatCores(millicores: number): string {
  return String(Number((millicores / 1000).toFixed(2)));
}
