import type { Block, Input } from '../../contract';
import { formatCpu, formatMemory } from '../../state/resources';
import { relativeTime } from '../../state/time';
import { shortValue } from '../../state/values';
import { Button, useNow, useTrans } from '../elements';
import { RunForm } from './RunForm';
import type { SidebarProps } from './Sidebar';

/** One block unfolded: what it takes and gives, its versions, and what can be done with it. */
export function BlockDetails({ block, state, dispatch, versions, ...calls }: SidebarProps & { block: Block }) {
  const trans = useTrans();
  const { spec } = block;
  const reference = `${spec.name}@${block.version}`;
  if (state.runForm === reference) {
    return (
      <RunForm block={block} onRun={calls.onRunBlock} onClose={() => dispatch({ type: 'run-form', reference: null })} />
    );
  }
  return (
    <div className="lq-card-body">
      {spec.description && <p>{spec.description}</p>}
      <div className="lq-actions">
        <Button kind="primary" icon="play" onClick={() => dispatch({ type: 'run-form', reference })}>
          {trans.__('Run')}
        </Button>
        <Button icon="file" onClick={() => calls.onDockerfile(spec.name, block.version)}>
          {trans.__('Dockerfile')}
        </Button>
        <Button icon="copy" onClick={() => calls.onCopy(reference)}>
          {trans.__('Copy reference')}
        </Button>
      </div>
      <dl className="lq-facts">
        <Fact name={trans.__('Inputs')}>
          {spec.inputs.length === 0 ? (
            trans.__('none')
          ) : (
            <ul className="lq-plain">
              {spec.inputs.map(input => (
                <li key={input.name} title={input.description}>
                  <InputLine input={input} />
                </li>
              ))}
            </ul>
          )}
        </Fact>
        <Fact name={trans.__('Outputs')}>
          <span className="lq-code">{spec.outputs.map(output => output.name).join(', ') || trans.__('none')}</span>
        </Fact>
        <Fact name={trans.__('Packages')}>
          {spec.packages.length}
          {spec.python && `, Python ${spec.python}`}
        </Fact>
        <Fact name={trans.__('Resources')}>
          {`${formatCpu(spec.resources.cpu_millicores)} CPU, ${formatMemory(spec.resources.memory_bytes)}`}
        </Fact>
        {block.verification.evidence && <Fact name={trans.__('Proof')}>{block.verification.evidence}</Fact>}
        {!block.complete && (
          <Fact name={trans.__('Base')}>{trans.__('missing: only the process executor can run it')}</Fact>
        )}
        {block.author && <Fact name={trans.__('Author')}>{block.author}</Fact>}
        <Fact name={trans.__('Versions')}>
          <Versions block={block} versions={versions} />
        </Fact>
      </dl>
    </div>
  );
}

function Fact({ name, children }: { name: string; children: React.ReactNode }) {
  return (
    <>
      <dt>{name}</dt>
      <dd>{children}</dd>
    </>
  );
}

function InputLine({ input }: { input: Input }) {
  const trans = useTrans();
  return (
    <>
      <span className="lq-code">{input.name}</span>
      <span className="lq-type">{input.type}</span>
      <span className="lq-quiet lq-code">
        {input.required ? trans.__('required') : input.default === null ? '' : `= ${shortValue(input.default, 24)}`}
      </span>
    </>
  );
}

function Versions({ block, versions }: { block: Block; versions: SidebarProps['versions'] }) {
  const trans = useTrans();
  const now = useNow(true, 30_000);
  if (versions.failure) {
    return <span className="lq-fault">{versions.failure.message}</span>;
  }
  if (versions.value === null || versions.value[0]?.spec.name !== block.spec.name) {
    return <span className="lq-quiet">{trans.__('fetching…')}</span>;
  }
  return (
    <ul className="lq-plain">
      {versions.value.map(one => (
        <li key={one.version}>
          <span className="lq-code">@{one.version}</span>{' '}
          <span className="lq-quiet">{relativeTime(one.created, now)}</span>
        </li>
      ))}
    </ul>
  );
}
