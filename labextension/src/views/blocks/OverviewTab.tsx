import type { Block } from '../../contract';
import { shortDigest, shortReference, webAddress } from '../../state/catalogue';
import { formatCpu, formatMemory, readableBytes } from '../../state/resources';
import { fullTime } from '../../state/time';
import { IconButton, Loaded, useTrans } from '../elements';
import type { PartProps } from './BlockPage';
import { DefaultOf, Fact, OutputSource } from './facts';
import { Readme } from './Readme';

/** What a version is and does; beside it, where it comes from. */
export function OverviewTab(props: PartProps) {
  const { block, readme, renderMarkdown } = props;
  const trans = useTrans();
  return (
    <div className="lq-columns">
      <div className="lq-main">
        {block.spec.description && <p className="lq-description">{block.spec.description}</p>}
        <Inputs block={block} />
        <Outputs block={block} />
        {block.spec.kind === 'image' && <Container block={block} />}
        <section className="lq-section" aria-label={trans.__('README')}>
          <h3>{trans.__('README')}</h3>
          <Loaded of={readme} label={trans.__('Fetching README…')} onRetry={props.onRefresh}>
            {text =>
              text.trim() === '' ? (
                <p className="lq-hint">
                  {block.spec.kind === 'image'
                    ? trans.__('An image has none.')
                    : trans.__('None. A README.md beside the notebook, or text above its first code cell, would be shown here.')}
                </p>
              ) : (
                <Readme
                  key={block.digest}
                  text={text}
                  render={renderMarkdown}
                  label={trans.__('README of %1', block.spec.name)}
                />
              )
            }
          </Loaded>
        </section>
      </div>
      <Origin {...props} />
    </div>
  );
}

function Inputs({ block }: { block: Block }) {
  const trans = useTrans();
  const { inputs } = block.spec;
  return (
    <section className="lq-section">
      <h3>
        {trans.__('Inputs')} <span className="lq-count">{inputs.length}</span>
      </h3>
      {inputs.length === 0 ? (
        <p className="lq-hint">{trans.__('It takes none.')}</p>
      ) : (
        <table className="lq-table" aria-label={trans.__('Inputs')}>
          <thead>
            <tr>
              <th scope="col">{trans.__('Name')}</th>
              <th scope="col">{trans.__('Type')}</th>
              <th scope="col">{trans.__('Default')}</th>
              <th scope="col">{trans.__('Description')}</th>
            </tr>
          </thead>
          <tbody>
            {inputs.map(input => (
              <tr key={input.name}>
                <th scope="row" className="lq-code">
                  {input.name}
                </th>
                <td className="lq-type">{input.secret ? trans.__('secret') : input.type}</td>
                <td>
                  <DefaultOf input={input} long />
                </td>
                <td>{input.description}</td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
    </section>
  );
}

function Outputs({ block }: { block: Block }) {
  const trans = useTrans();
  const { outputs } = block.spec;
  return (
    <section className="lq-section">
      <h3>
        {trans.__('Outputs')} <span className="lq-count">{outputs.length}</span>
      </h3>
      {outputs.length === 0 ? (
        <p className="lq-hint">{trans.__('It gives none.')}</p>
      ) : (
        <table className="lq-table" aria-label={trans.__('Outputs')}>
          <thead>
            <tr>
              <th scope="col">{trans.__('Name')}</th>
              {block.spec.kind === 'image' && <th scope="col">{trans.__('From')}</th>}
              <th scope="col">{trans.__('Description')}</th>
            </tr>
          </thead>
          <tbody>
            {outputs.map(output => (
              <tr key={output.name}>
                <th scope="row" className="lq-code">
                  {output.name}
                </th>
                {block.spec.kind === 'image' && (
                  <td>
                    <OutputSource output={output} />
                  </td>
                )}
                <td>{output.description}</td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
    </section>
  );
}

/** What an image block starts its container with. */
function Container({ block }: { block: Block }) {
  const trans = useTrans();
  const { command, environment } = block.spec;
  const variables = Object.entries(environment);
  return (
    <section className="lq-section">
      <h3>{trans.__('Container')}</h3>
      <dl className="lq-facts">
        <Fact name={trans.__('Command')}>
          {command.length === 0 ? (
            trans.__('the image’s own')
          ) : (
            <ol className="lq-plain lq-code">
              {command.map((word, place) => (
                <li key={place}>{word}</li>
              ))}
            </ol>
          )}
        </Fact>
        {variables.map(([name, value]) => (
          <Fact key={name} name={name}>
            <span className="lq-code">{value}</span>
          </Fact>
        ))}
      </dl>
    </section>
  );
}

/** Proof, size and provenance. */
function Origin({ block, onCopy }: PartProps) {
  const trans = useTrans();
  const { spec, provenance, verification } = block;
  const source = webAddress(provenance.source);
  return (
    <aside className="lq-origin" aria-label={trans.__('Where it comes from')}>
      <dl className="lq-facts">
        <Fact name={trans.__('Published')}>{fullTime(block.created)}</Fact>
        {block.author && <Fact name={trans.__('Author')}>{block.author}</Fact>}
        {verification.evidence && <Fact name={trans.__('Proof')}>{verification.evidence}</Fact>}
        {spec.kind === 'notebook' && (
          <Fact name={trans.__('Size')}>{trans.__('%1 above its base', readableBytes(block.size))}</Fact>
        )}
        <Fact name={trans.__('Resources')}>
          {`${formatCpu(spec.resources.cpu_millicores)} CPU, ${formatMemory(spec.resources.memory_bytes)}`}
        </Fact>
        {spec.python && <Fact name={trans.__('Python')}>{spec.python}</Fact>}
        {spec.base && (
          <Fact name={spec.kind === 'image' ? trans.__('Image') : trans.__('Base')}>
            <span className="lq-code" title={spec.base}>
              {shortReference(spec.base)}
            </span>
            {!block.complete && <p className="lq-hint">{trans.__('missing: only the process executor can run it')}</p>}
          </Fact>
        )}
        {spec.notebook && (
          <Fact name={trans.__('Notebook')}>
            {spec.notebook}
            {spec.notebook_sha256 && (
              <span className="lq-hint lq-code" title={spec.notebook_sha256}>
                {' '}
                {shortDigest(spec.notebook_sha256)}
              </span>
            )}
          </Fact>
        )}
        {provenance.commit && (
          <Fact name={trans.__('Commit')}>
            <span className="lq-code" title={provenance.commit}>
              {shortDigest(provenance.commit, 10)}
            </span>
            {provenance.modified && <span className="lq-hint">{trans.__(', with changes of its own')}</span>}
          </Fact>
        )}
        {provenance.source && (
          <Fact name={trans.__('Source')}>
            {source === null ? (
              provenance.source
            ) : (
              <a href={source} target="_blank" rel="noopener noreferrer">
                {provenance.source}
              </a>
            )}
          </Fact>
        )}
        {provenance.tool && <Fact name={trans.__('Made by')}>{provenance.tool}</Fact>}
        <Fact name={trans.__('Image digest')}>
          <span className="lq-code" title={block.image}>
            {shortDigest(block.digest)}
          </span>{' '}
          <IconButton icon="copy" label={trans.__('Copy %1', block.image)} onClick={() => onCopy(block.image)} />
        </Fact>
      </dl>
    </aside>
  );
}
