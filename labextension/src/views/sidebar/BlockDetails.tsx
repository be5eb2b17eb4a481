import { useEffect, useRef } from 'react';
import type { Block } from '../../contract';
import { withFilter } from '../../state/catalogue';
import { formatCpu, formatMemory } from '../../state/resources';
import { Fact, InputLine, OutputLine, RunForm } from '../blocks';
import { Button, useTrans } from '../elements';
import type { SidebarProps } from './Sidebar';

/** One block unfolded: its facts, or the form that runs it. The focus goes where the button was, and back. */
export function BlockDetails(props: SidebarProps & { block: Block }) {
  const { block, state, dispatch } = props;
  const root = useRef<HTMLDivElement>(null);
  const asked = state.runForm === `${block.spec.name}@${block.version}`;
  const shown = useRef(asked);
  useEffect(() => {
    const lost = document.activeElement === document.body || root.current?.contains(document.activeElement);
    if (asked !== shown.current && lost) {
      root.current?.querySelector<HTMLElement>(asked ? 'input, textarea, select, button' : '.lq-primary')?.focus();
    }
    shown.current = asked;
  }, [asked]);
  return (
    <div ref={root}>
      {asked ? (
        <RunForm
          block={block}
          tools={props.runTools}
          onRun={props.onRunBlock}
          onClose={() => dispatch({ type: 'run-form', reference: null })}
        />
      ) : (
        <Facts {...props} />
      )}
    </div>
  );
}

/** What it takes and gives, and what can be done with it. Its page says the rest. */
function Facts({ block, state, dispatch, ...calls }: SidebarProps & { block: Block }) {
  const trans = useTrans();
  const { spec } = block;
  const reference = `${spec.name}@${block.version}`;
  const search = (filter: 'owner' | 'input', value: string) =>
    dispatch({ type: 'search', text: withFilter(state.search, filter, value) });
  return (
    <div className="lq-card-body">
      {spec.description && <p>{spec.description}</p>}
      <div className="lq-actions">
        <Button kind="primary" icon="play" onClick={() => dispatch({ type: 'run-form', reference })}>
          {trans.__('Run')}
        </Button>
        <Button icon="info" onClick={() => calls.onBlock(spec.name)}>
          {trans.__('Details')}
        </Button>
        <Button icon="add" onClick={() => calls.onAddToWorkflow(block)}>
          {trans.__('Add to workflow')}
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
                  <InputLine input={input} onFilter={() => search('input', input.name)} />
                </li>
              ))}
            </ul>
          )}
        </Fact>
        <Fact name={trans.__('Outputs')}>
          {spec.outputs.length === 0 ? (
            trans.__('none')
          ) : (
            <ul className="lq-plain">
              {spec.outputs.map(output => (
                <li key={output.name} title={output.description}>
                  <OutputLine output={output} />
                </li>
              ))}
            </ul>
          )}
        </Fact>
        {spec.kind === 'notebook' && (
          <Fact name={trans.__('Packages')}>
            {spec.packages.length}
            {spec.python && `, Python ${spec.python}`}
          </Fact>
        )}
        <Fact name={trans.__('Resources')}>
          {`${formatCpu(spec.resources.cpu_millicores)} CPU, ${formatMemory(spec.resources.memory_bytes)}`}
        </Fact>
        {block.verification.evidence && <Fact name={trans.__('Proof')}>{block.verification.evidence}</Fact>}
        {block.author && (
          <Fact name={trans.__('Author')}>
            <Button
              kind="link"
              title={trans.__('Show the blocks of %1', block.author)}
              onClick={() => search('owner', block.author)}
            >
              {block.author}
            </Button>
          </Fact>
        )}
      </dl>
    </div>
  );
}
