import type { Question } from '../../state/blockPage';
import { Button, useTrans } from '../elements';
import type { PartProps } from './BlockPage';

/** What can be done with a version; what needs an answer first unfolds below. */
export function BlockActions({ block, state, dispatch, busy, ...calls }: PartProps) {
  const trans = useTrans();
  const ask = (question: Question) =>
    dispatch({ type: 'ask', question: state.asking?.startsWith(question) ? null : question });
  return (
    <div className="lq-actions">
      <Button kind="primary" icon="play" onClick={() => ask('run')}>
        {trans.__('Run')}
      </Button>
      <Button icon="add" onClick={() => calls.onAddToWorkflow(block)}>
        {trans.__('Add to workflow')}
      </Button>
      {block.spec.kind === 'notebook' && (
        <>
          <Button icon="file" onClick={() => calls.onDockerfile(block)}>
            {trans.__('Dockerfile')}
          </Button>
          <Button
            icon="log"
            onClick={() => calls.onSbom(block)}
            title={trans.__('Download the list of packages (CycloneDX)')}
          >
            {trans.__('SBOM')}
          </Button>
        </>
      )}
      <Button icon="copy" onClick={() => calls.onCopy(`${block.spec.name}@${block.version}`)}>
        {trans.__('Copy reference')}
      </Button>
      <span className="lq-actions-end">
        {block.deprecated === null ? (
          <Button icon="warning" onClick={() => ask('deprecate')} disabled={busy}>
            {trans.__('Deprecate…')}
          </Button>
        ) : (
          <Button icon="undo" onClick={() => calls.onDeprecate(block, null)} disabled={busy}>
            {trans.__('No longer deprecated')}
          </Button>
        )}
        <Button kind="danger" icon="trash" onClick={() => ask('remove')} disabled={busy}>
          {trans.__('Remove…')}
        </Button>
      </span>
    </div>
  );
}
