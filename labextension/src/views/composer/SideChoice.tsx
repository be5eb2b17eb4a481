import { useTrans } from '../elements';

export type Side = 'blocks' | 'details';

/** Where there is room for one column beside the graph: which one. */
export function SideChoice({ side, onSide }: { side: Side; onSide: (side: Side) => void }) {
  const trans = useTrans();
  const choices: [Side, string][] = [
    ['blocks', trans.__('Blocks')],
    ['details', trans.__('Details')]
  ];
  return (
    <div className="lq-sides" role="group" aria-label={trans.__('Beside the graph')}>
      {choices.map(([one, name]) => (
        <button key={one} type="button" aria-pressed={side === one} onClick={() => onSide(one)}>
          {name}
        </button>
      ))}
    </div>
  );
}
