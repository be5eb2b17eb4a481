import { readableBytes } from '../../state/resources';
import { fullTime, relativeTime } from '../../state/time';
import { Button, useNow, useTrans } from '../elements';
import { BaseBadge, DeprecatedBadge, VerdictBadge } from './Badges';
import type { PartProps } from './BlockPage';

/** All versions: when, by whom, how proven, how large; each can be shown and compared with the one that is. */
export function VersionsTab({ block, all, dispatch }: PartProps) {
  const trans = useTrans();
  const now = useNow(true, 30_000);
  return (
    <table className="lq-table lq-versions" aria-label={trans.__('Versions')}>
      <thead>
        <tr>
          <th scope="col">{trans.__('Version')}</th>
          <th scope="col">{trans.__('When')}</th>
          <th scope="col">{trans.__('By')}</th>
          <th scope="col">{trans.__('State')}</th>
          <th scope="col" className="lq-narrow">
            {trans.__('Size')}
          </th>
          <th scope="col" className="lq-narrow">
            <span className="lq-hidden">{trans.__('Compare')}</span>
          </th>
        </tr>
      </thead>
      <tbody>
        {all.map(one => (
          <tr key={one.version} aria-current={one === block ? true : undefined}>
            <th scope="row">
              <Button
                kind="link"
                title={trans.__('Show %1@%2', one.spec.name, one.version)}
                onClick={() => dispatch({ type: 'version', version: one.version })}
              >
                <span className="lq-code">@{one.version}</span>
              </Button>
            </th>
            <td title={fullTime(one.created)}>{relativeTime(one.created, now)}</td>
            <td>{one.author}</td>
            <td>
              <span className="lq-meta lq-meta-flat">
                <VerdictBadge block={one} />
                <DeprecatedBadge block={one} />
                <BaseBadge block={one} />
              </span>
              {one.deprecated && <p className="lq-hint">{one.deprecated}</p>}
            </td>
            <td className="lq-narrow">{one.size > 0 ? readableBytes(one.size) : ''}</td>
            <td className="lq-narrow">
              {one === block ? (
                <span className="lq-hint">{trans.__('shown')}</span>
              ) : (
                <Button
                  icon="compare"
                  title={trans.__('Compare @%1 with @%2', one.version, block.version)}
                  onClick={() => dispatch({ type: 'compare', version: block.version, other: one.version })}
                >
                  {trans.__('Compare')}
                </Button>
              )}
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}
