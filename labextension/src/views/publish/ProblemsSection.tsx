import type { ReactNode } from 'react';
import type { FileFact, Finding, Inspection, SecretFact, Severity } from '../../contract';
import {
  isConvertible,
  isInFile,
  openErrors,
  openImports,
  secretOf,
  undecidedFiles,
  type PublishEdit,
  type PublishForm
} from '../../state/publish';
import { requirementName } from '../../state/requirements';
import { readableBytes } from '../../state/resources';
import { Button, Icon, useTrans } from '../elements';
import { AddField } from './AddField';
import { PlaceLink } from './PlaceLink';

interface Props {
  inspection: Inspection;
  form: PublishForm;
  onEdit: (edit: PublishEdit) => void;
  onCell: (cell: number) => void;
}

const SIGNS = {
  error: { name: 'close', className: 'lq-tone-bad' },
  warning: { name: 'warning', className: 'lq-tone-wait' },
  info: { name: 'info', className: 'lq-tone-quiet' }
} as const;

/** What the user should know, most serious first: what stops a publish, what may go wrong, and remarks. */
export function ProblemsSection({ inspection, form, onEdit, onCell }: Props) {
  const trans = useTrans();
  const errors = openErrors(inspection, form);
  const imports = openImports(inspection, form);
  const of = (severity: Severity) => inspection.facts.findings.filter(finding => finding.severity === severity);
  const warnings = of('warning');
  const remarks = of('info');
  const files = undecidedFiles(inspection, form);
  const stops = errors.length + imports.length + files.length;
  if (stops + warnings.length + remarks.length === 0) {
    return null;
  }
  return (
    <section className="lq-section lq-first">
      {stops + warnings.length > 0 && (
        <h3>
          {stops > 0 ? trans.__('Problems') : trans.__('Warnings')}{' '}
          <span className="lq-count">{stops + warnings.length}</span>
          {stops > 0 && <span className="lq-aside lq-fault">{trans._n('%1 stops this', '%1 stop this', stops)}</span>}
        </h3>
      )}
      <ul className="lq-findings" aria-label={trans.__('Problems')}>
        {errors.map((finding, number) => (
          <Row key={`error ${number}`} finding={finding} onCell={onCell}>
            <SecretWays secret={secretOf(finding, inspection)} onEdit={onEdit} />
          </Row>
        ))}
        {imports.map(module => (
          <Unexplained key={module} module={module} inspection={inspection} onEdit={onEdit} onCell={onCell} />
        ))}
        {files.map(file => (
          <Undecided key={file.path} file={file} onEdit={onEdit} onCell={onCell} />
        ))}
        {warnings.map((finding, number) => (
          <Row key={`warning ${number}`} finding={finding} onCell={onCell} />
        ))}
      </ul>
      {remarks.length > 0 && (
        <details className="lq-details">
          <summary>{trans._n('%1 remark', '%1 remarks', remarks.length)}</summary>
          <ul className="lq-findings">
            {remarks.map((finding, number) => (
              <Row key={number} finding={finding} onCell={onCell} />
            ))}
          </ul>
        </details>
      )}
    </section>
  );
}

function Sign({ severity }: { severity: Severity }) {
  const trans = useTrans();
  const words = { error: trans.__('error'), warning: trans.__('warning'), info: trans.__('info') };
  return (
    <span role="img" aria-label={words[severity]}>
      <Icon {...SIGNS[severity]} />
    </span>
  );
}

function Row({ finding, onCell, children }: { finding: Finding; onCell: Props['onCell']; children?: ReactNode }) {
  return (
    <li className={`lq-finding lq-finding-${finding.severity}`}>
      <Sign severity={finding.severity} />
      <div className="lq-finding-text">
        <p>{finding.message}</p>
        {children}
      </div>
      <PlaceLink place={finding.place} onCell={onCell} />
    </li>
  );
}

/** What can be done here about a secret: it becomes an input, or its file stays out. */
function SecretWays({ secret, onEdit }: { secret: SecretFact | undefined; onEdit: Props['onEdit'] }) {
  const trans = useTrans();
  if (secret && isConvertible(secret)) {
    return (
      <div className="lq-ways-out">
        <Button onClick={() => onEdit({ type: 'secret', name: secret.name, on: true })}>
          {trans.__('Make it the secret input %1', secret.name)}
        </Button>
      </div>
    );
  }
  if (secret && isInFile(secret)) {
    const path = secret.place.file;
    return (
      <div className="lq-ways-out">
        <Button onClick={() => onEdit({ type: 'file', path, keep: false })}>{trans.__('Leave %1 out', path)}</Button>
      </div>
    );
  }
  return null;
}

/** A large file that waits for a word. */
function Undecided({ file, onEdit, onCell }: { file: FileFact } & Pick<Props, 'onEdit' | 'onCell'>) {
  const trans = useTrans();
  const { path, size, place } = file;
  return (
    <li className="lq-finding lq-finding-error">
      <Sign severity="error" />
      <div className="lq-finding-text">
        <p>{trans.__('%1 is large (%2): say whether it goes in.', path, readableBytes(size))}</p>
        <div className="lq-ways-out" role="group" aria-label={trans.__('Decide on %1', path)}>
          <Button onClick={() => onEdit({ type: 'file', path, keep: true })}>{trans.__('Put in')}</Button>
          <Button onClick={() => onEdit({ type: 'file', path, keep: false })}>{trans.__('Leave out')}</Button>
        </div>
      </div>
      <PlaceLink place={place} onCell={onCell} />
    </li>
  );
}

interface UnexplainedProps extends Pick<Props, 'inspection' | 'onEdit' | 'onCell'> {
  module: string;
}

/** An import that nothing explains: which package has it, or whether the block does without. */
function Unexplained({ module, inspection, onEdit, onCell }: UnexplainedProps) {
  const trans = useTrans();
  const place = inspection.facts.imports.find(one => one.module.split('.')[0] === module)?.place ?? null;
  return (
    <li className="lq-finding lq-finding-error">
      <Sign severity="error" />
      <div className="lq-finding-text">
        <p>{trans.__('No package is known for the import of %1.', module)}</p>
        <div className="lq-answer">
          <AddField
            label={trans.__('Which package has %1?', module)}
            placeholder={trans.__('Which package has it?')}
            action={trans.__('Use')}
            check={line => (requirementName(line) === null ? 'Write a package, as in openpyxl or openpyxl>=3.1.' : null)}
            onAdd={line => onEdit({ type: 'answer', module, line })}
          />
          <Button onClick={() => onEdit({ type: 'remove', name: module, was: null })}>{trans.__('Leave out')}</Button>
        </div>
      </div>
      <PlaceLink place={place} onCell={onCell} />
    </li>
  );
}
