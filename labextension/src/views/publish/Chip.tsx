import type { Witness } from '../../contract';
import { useTrans, type Trans } from '../elements';

function explanations(trans: Trans): { [witness in Witness]: string } {
  return {
    kernel: trans.__('Found in the kernel’s own environment.'),
    'loaded in the kernel': trans.__('The running kernel has loaded it.'),
    'install line': trans.__('An install line of the notebook asks for it.'),
    rule: trans.__('A call in the code needs it, by a known rule.'),
    table: trans.__('The import is known to come from this package.'),
    'shared library': trans.__('A shared library of a package links it.'),
    resolver: trans.__('A guess: nothing but its name connects it with the import. Check that it is the one you mean.'),
    pipreqs: trans.__('pipreqs knows the import.'),
    'found missing when run': trans.__('The block did not run without it.'),
    user: trans.__('You asked for it.'),
    dependency: trans.__('Another package needs it.')
  };
}

const TONES: { [witness: string]: string } = {
  kernel: 'sure',
  'loaded in the kernel': 'sure',
  user: 'user',
  resolver: 'guess',
  pipreqs: 'guess'
};

/** Who says that a package is needed; what that means shows on hovering. */
export function WitnessChip({ witness }: { witness: string }) {
  const trans = useTrans();
  if (witness === '') {
    return null;
  }
  const known: { [witness: string]: string } = explanations(trans);
  const tone = TONES[witness] ?? 'plain';
  return (
    <span className={`lq-chip lq-witness-${tone}`} title={known[witness]}>
      {witness === 'user' ? trans.__('you') : witness}
    </span>
  );
}
