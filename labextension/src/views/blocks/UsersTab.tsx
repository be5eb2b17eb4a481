import { usingWorkflows } from '../../state/blockPage';
import { Button, Empty, Loaded, useTrans } from '../elements';
import type { PartProps } from './BlockPage';

/** The workflows whose tasks use the block, of whatever version. */
export function UsersTab({ block, users, onRefresh, onWorkflow }: PartProps) {
  const trans = useTrans();
  return (
    <Loaded of={users} label={trans.__('Asking who uses it…')} onRetry={onRefresh}>
      {all =>
        all.length === 0 ? (
          <Empty icon="edit" title={trans.__('No workflow uses it')} />
        ) : (
          <table className="lq-table" aria-label={trans.__('Workflows that use it')}>
            <thead>
              <tr>
                <th scope="col">{trans.__('Workflow')}</th>
                <th scope="col">{trans.__('Tasks')}</th>
              </tr>
            </thead>
            <tbody>
              {usingWorkflows(all).map(({ project, workflow, uses }) => (
                <tr key={`${project}/${workflow}`}>
                  <th scope="row">
                    <Button
                      kind="link"
                      title={trans.__('Open %1 in the composer', workflow)}
                      onClick={() => onWorkflow({ project, name: workflow })}
                    >
                      {project !== 'default' && <span className="lq-version">{project}/</span>}
                      {workflow}
                    </Button>
                  </th>
                  <td>
                    <ul className="lq-plain">
                      {uses.map(use => (
                        <li key={use.task}>
                          {use.task} <span className="lq-code lq-quiet">@{use.version}</span>
                          {use.version !== block.version && (
                            <span className="lq-hint"> {trans.__('not the version shown')}</span>
                          )}
                        </li>
                      ))}
                    </ul>
                  </td>
                </tr>
              ))}
            </tbody>
          </table>
        )
      }
    </Loaded>
  );
}
