import { useId, useRef, type ReactNode } from 'react';
import type { Failure } from '../../client/failure';
import type { Block, BlockDiff, BlockUse, RunRequest } from '../../contract';
import { PAGE_TABS, shownVersion, type PageAction, type PageState, type PageTab } from '../../state/blockPage';
import type { Remote } from '../../state/remote';
import { FailureBox, Icon, IconButton, Loaded, panelOf, Tabs, useTrans } from '../elements';
import { BlockActions } from './BlockActions';
import { Badges } from './Badges';
import { CompareTab } from './CompareTab';
import { OverviewTab } from './OverviewTab';
import { PackagesTab } from './PackagesTab';
import { Questions } from './Questions';
import type { RenderMarkdown } from './Readme';
import { UsersTab } from './UsersTab';
import { VersionsTab } from './VersionsTab';

export interface BlockPageProps {
  name: string;
  state: PageState;
  /** All versions, newest first. */
  versions: Remote<Block[]>;
  /** Of the version that is shown. */
  readme: Remote<string>;
  /** Of all versions. */
  users: Remote<BlockUse[]>;
  /** Of the version that is shown and the one it is compared with; null where there is no other. */
  diff: Remote<BlockDiff | null>;
  /** What went wrong with the last thing that was asked for; null once it is dismissed. */
  failure: Failure | null;
  busy: boolean;
  dispatch: (action: PageAction) => void;
  /** Shows Markdown as a document; null shows it as text. */
  renderMarkdown: RenderMarkdown | null;
  onRefresh: () => void;
  onDismiss: () => void;
  onRun: (request: RunRequest) => void;
  /** Stands beside the button that starts a run. */
  runTools?: (request: RunRequest) => ReactNode;
  onAddToWorkflow: (block: Block) => void;
  onDockerfile: (block: Block) => void;
  onSbom: (block: Block) => void;
  onCopy: (text: string) => void;
  onDeprecate: (block: Block, reason: string | null) => void;
  onRemove: (block: Block, force: boolean) => void;
  onWorkflow: (workflow: { project: string; name: string }) => void;
}

/** Everything about one block: what it is, what it holds, its versions, who uses it, what changed. */
export function BlockPage(props: BlockPageProps) {
  const { name, state, versions, failure } = props;
  const trans = useTrans();
  return (
    <section className="lq-root lq-page" aria-label={trans.__('Block %1', name)}>
      <Loaded of={versions} label={trans.__('Fetching %1…', name)} onRetry={props.onRefresh}>
        {all => {
          const block = shownVersion(state, all);
          if (!block) {
            return <Gone {...props} />;
          }
          return (
            <>
              <Header block={block} all={all} {...props} />
              {failure && (
                <div className="lq-dismissable">
                  <FailureBox failure={failure} />
                  <IconButton icon="close" label={trans.__('Dismiss')} onClick={props.onDismiss} />
                </div>
              )}
              <Tabbed block={block} all={all} {...props} />
            </>
          );
        }}
      </Loaded>
    </section>
  );
}

function Gone({ name, state, dispatch, versions }: BlockPageProps) {
  const trans = useTrans();
  const newest = versions.value?.[0];
  return (
    <div className="lq-empty">
      <Icon name="block" className="lq-empty-icon" />
      <p className="lq-empty-title">{trans.__('There is no %1@%2', name, state.version ?? '')}</p>
      {newest && (
        <button type="button" className="lq-button" onClick={() => dispatch({ type: 'version', version: null })}>
          {trans.__('Show %1@%2', name, newest.version)}
        </button>
      )}
    </div>
  );
}

export interface PartProps extends BlockPageProps {
  block: Block;
  all: Block[];
}

function Header(props: PartProps) {
  const { block, all, dispatch } = props;
  const trans = useTrans();
  const id = useId();
  const actions = useRef<HTMLDivElement>(null);
  return (
    <header className="lq-page-header">
      <div className="lq-page-title">
        <Icon name={block.spec.kind === 'image' ? 'image' : 'block'} />
        <h2>{block.spec.name}</h2>
        <label htmlFor={id} className="lq-hidden">
          {trans.__('Version')}
        </label>
        <select
          id={id}
          className="lq-input lq-version-choice"
          value={block.version}
          onChange={event => dispatch({ type: 'version', version: event.target.value })}
        >
          {all.map((one, place) => (
            <option key={one.version} value={one.version}>
              {`@${one.version}`}
              {place === 0 ? ` (${trans.__('newest')})` : ''}
              {one.deprecated === null ? '' : ` (${trans.__('deprecated')})`}
            </option>
          ))}
        </select>
        <span className="lq-meta lq-meta-flat">
          <Badges block={block} />
        </span>
      </div>
      {block.deprecated !== null && (
        <div className="lq-notice lq-notice-wait" role="note">
          <Icon name="warning" />
          <p className="lq-notice-message">
            {block.deprecated === '' ? trans.__('Deprecated') : trans.__('Deprecated: %1', block.deprecated)}
          </p>
        </div>
      )}
      <div ref={actions}>
        <BlockActions {...props} />
      </div>
      <Questions {...props} back={() => actions.current} />
    </header>
  );
}

function Tabbed(props: PartProps) {
  const { block, all, state, dispatch, users } = props;
  const trans = useTrans();
  const id = useId();
  const count = (number: number | undefined) => (number === undefined ? null : <span className="lq-count">{number}</span>);
  const image = block.spec.kind === 'image';
  const names: { [tab in PageTab]: ReactNode } = {
    overview: trans.__('Overview'),
    packages: (
      <>
        {trans.__('Packages')} {count(block.spec.packages.length)}
      </>
    ),
    versions: (
      <>
        {trans.__('Versions')} {count(all.length)}
      </>
    ),
    users: (
      <>
        {trans.__('Used by')} {count(users.value?.length)}
      </>
    ),
    compare: trans.__('Compare')
  };
  // Nobody knows what is in somebody else's image.
  const tabs = PAGE_TABS.filter(tab => !(image && tab === 'packages') && !(all.length < 2 && tab === 'compare'));
  const chosen = tabs.includes(state.tab) ? state.tab : 'overview';
  return (
    <>
      <div className="lq-tabs">
        <Tabs
          id={id}
          label={trans.__('About %1', block.spec.name)}
          tabs={tabs.map(tab => ({ tab, name: names[tab] }))}
          chosen={chosen}
          onChoose={tab => dispatch({ type: 'tab', tab })}
        />
      </div>
      <div className="lq-scroll lq-page-body" {...panelOf(id, chosen)} tabIndex={0}>
        {chosen === 'overview' && <OverviewTab {...props} />}
        {chosen === 'packages' && <PackagesTab key={block.digest} packages={block.spec.packages} python={block.spec.python} />}
        {chosen === 'versions' && <VersionsTab {...props} />}
        {chosen === 'users' && <UsersTab {...props} />}
        {chosen === 'compare' && <CompareTab {...props} />}
      </div>
    </>
  );
}
