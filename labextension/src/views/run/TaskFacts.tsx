import { Fragment, type ReactNode } from 'react';
import type { Json, Run, TaskRun } from '../../contract';
import { formatCpu, formatMemory, readableMemory } from '../../state/resources';
import { elapsed, isTaskActive } from '../../state/states';
import { fullTime, readableDuration } from '../../state/time';
import { shortValue } from '../../state/values';
import { Button, useNow, useTrans } from '../elements';
import type { RunPageProps } from './RunPage';

type Props = Pick<RunPageProps, 'onBlock' | 'onRun'> & { run: Run; one: TaskRun };

const VALUE_SHOWN = 400;

/** What a task was given, what it gave back, what it asked for and used. */
export function TaskFacts({ one, onBlock, onRun }: Props) {
  const trans = useTrans();
  const { task } = one;
  const reference = task.version === null ? task.block : `${task.block}@${task.version}`;
  const inputs = Object.entries(one.inputs ?? task.inputs);
  const outputs = Object.entries(one.outputs ?? {});
  const now = useNow(isTaskActive(one.state));
  const waited = elapsed(one.ready_at, one.admitted_at ?? one.started_at ?? one.ended_at, now);
  const ran = elapsed(one.started_at, one.ended_at, now);
  const cores = one.cpu_s !== null && ran !== null && ran > 0 ? one.cpu_s / (ran / 1000) : null;
  const earlier = one.reused_from === null ? null : (/^lentiq-([^-]+)-/.exec(one.reused_from)?.[1] ?? null);
  const facts: [string, ReactNode][] = [
    [
      trans.__('Block'),
      onBlock ? (
        <Button key="block" kind="link" onClick={() => onBlock(task.block, task.version)}>
          {reference}
        </Button>
      ) : (
        reference
      )
    ],
    [trans.__('CPU'), `${trans.__('%1 asked', formatCpu(task.resources.cpu_millicores))}${cores === null ? '' : `, ${trans.__('%1 used on average', cores.toFixed(2))}`}`],
    [
      trans.__('Memory'),
      `${trans.__('%1 asked', formatMemory(task.resources.memory_bytes))}${one.peak_memory_bytes === null ? '' : `, ${trans.__('%1 at most', readableMemory(one.peak_memory_bytes))}`}`
    ]
  ];
  if (waited !== null) {
    facts.push([trans.__('Waited for room'), readableDuration(waited)]);
  }
  if (one.started_at !== null) {
    facts.push([trans.__('Started'), fullTime(one.started_at)]);
  }
  if (one.ended_at !== null) {
    facts.push([trans.__('Ended'), fullTime(one.ended_at)]);
  }
  if (one.exit_code !== null) {
    facts.push([trans.__('Exit code'), String(one.exit_code)]);
  }
  if (task.retries > 0) {
    facts.push([trans.__('Attempt'), trans.__('%1 of %2', one.attempt, task.retries + 1)]);
  }
  if (earlier !== null) {
    facts.push([
      trans.__('Result'),
      <Button key="earlier" kind="link" onClick={() => onRun(earlier)}>
        {trans.__('taken from run %1', earlier)}
      </Button>
    ]);
  }
  return (
    <div className="lq-reading">
      <dl className="lq-facts">
        {facts.map(([name, value]) => (
          <Fragment key={name}>
            <dt>{name}</dt>
            <dd>{value}</dd>
          </Fragment>
        ))}
      </dl>
      <Values title={trans.__('Inputs')} values={inputs} none={trans.__('It takes its defaults.')} />
      <Values title={trans.__('Outputs')} values={outputs} none={trans.__('None so far.')} />
    </div>
  );
}

function Values({ title, values, none }: { title: string; values: [string, Json][]; none: string }) {
  return (
    <section aria-label={title}>
      <h3>{title}</h3>
      {values.length === 0 ? (
        <p className="lq-hint">{none}</p>
      ) : (
        <ul className="lq-plain">
          {values.map(([name, value]) => (
            <li key={name} className="lq-code lq-value">
              {name} <span className="lq-quiet">= {shortValue(value, VALUE_SHOWN)}</span>
            </li>
          ))}
        </ul>
      )}
    </section>
  );
}
